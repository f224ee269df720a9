"""What an application is made of: what was registered, and how it is put together when the application is finalised."""
