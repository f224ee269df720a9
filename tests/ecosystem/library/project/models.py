from tortoise import fields
from tortoise.models import Model


class Book(Model):
    id = fields.IntField(primary_key=True)
    title = fields.CharField(max_length=40, unique=True)
    pages = fields.IntField(default=0)

    def shown(self):
        return {"id": self.id, "title": self.title, "pages": self.pages}
