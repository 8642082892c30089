"""`python -m changeaudit`: the command, where its script is not on the path."""

from changeaudit.cli.main import run

run()
