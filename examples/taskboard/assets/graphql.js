// The GraphQL page: an editor, the response, and the schema as the server describes it.

const { graphql } = JSON.parse(document.getElementById("links").textContent);
const $ = (id) => document.getElementById(id);
const element = (tag, text, className) => {
  const newElement = document.createElement(tag);
  newElement.textContent = text ?? "";
  if (className) newElement.className = className;
  return newElement;
};

const EXAMPLES = {
  "All tasks": ["query {\n  tasks {\n    id\n    title\n    column\n    author\n  }\n}", ""],
  "One column": [
    "query Tasks($column: Column) {\n  tasks(column: $column) {\n    id\n    title\n    attachments\n  }\n}",
    '{ "column": "doing" }',
  ],
  "Add a task": [
    "mutation Add($title: String!) {\n  addTask(title: $title, column: todo) {\n    task { id title author }\n  }\n}",
    '{ "title": "Made by GraphQL" }',
  ],
};
const INTROSPECTION = `{ __schema { queryType { name } mutationType { name } types {
  name kind description
  fields { name description args { name type { ...T } } type { ...T } }
  enumValues { name }
} } }
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`;

async function send(query, variables) {
  const response = await fetch(graphql, {
    method: "POST",
    headers: { Accept: "application/json", "Content-Type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

function show(text, failed) {
  $("response").textContent = text;
  $("response").classList.toggle("bad", failed);
}

async function run(event) {
  event?.preventDefault();
  const started = performance.now();
  try {
    const variables = $("variables").value.trim();
    const answer = await send($("document").value, variables ? JSON.parse(variables) : undefined);
    show(JSON.stringify(answer, null, 2), Boolean(answer.errors));
  } catch (error) {
    show(error.message, true);
  }
  $("duration").textContent = `${Math.round(performance.now() - started)} ms`;
}

function choose(name) {
  [$("document").value, $("variables").value] = EXAMPLES[name];
}

const typeName = (type) => {
  if (type.kind === "NON_NULL") return `${typeName(type.ofType)}!`;
  return type.kind === "LIST" ? `[${typeName(type.ofType)}]` : type.name;
};

async function showSchema() {
  const { data, errors } = await send(INTROSPECTION);
  if (errors) throw new Error(errors[0].message);
  const types = data.__schema.types.filter(({ name, kind }) => !name.startsWith("__") && ["OBJECT", "ENUM"].includes(kind));
  $("schema").replaceChildren(...types.map((type) => {
    const section = element("section");
    section.append(element("h3", `${type.kind === "ENUM" ? "enum" : "type"} ${type.name}`));
    if (type.description) section.append(element("p", type.description, "hint"));
    const list = element("ul");
    for (const field of type.fields ?? []) {
      const args = field.args.map(({ name, type: kind }) => `${name}: ${typeName(kind)}`).join(", ");
      const line = element("li");
      line.append(element("code", `${field.name}${args ? `(${args})` : ""}: ${typeName(field.type)}`, "field"));
      if (field.description) line.append(element("span", field.description, "hint"));
      list.append(line);
    }
    for (const { name } of type.enumValues ?? []) list.append(element("li", name));
    section.append(list);
    return section;
  }));
}

for (const name of Object.keys(EXAMPLES)) {
  const button = element("button", name, "button quiet");
  button.type = "button";
  button.addEventListener("click", () => choose(name));
  $("examples").append(button);
}
$("query").addEventListener("submit", run);
$("query").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run(event);
});
choose("All tasks");
run();
showSchema().catch((error) => { $("schema").textContent = error.message; });
