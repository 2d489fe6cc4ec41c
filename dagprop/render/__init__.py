"""How what was found out is shown: text, LaTeX, Markdown and HTML."""
