"""Did every change that reached production follow the procedure, and can we prove it?"""

__version__ = "0.1.0"
