"""Who else provides what: the plugins that are registered or installed, and how they come in when they are needed."""
