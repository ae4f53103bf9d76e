"""Configuration of the documentation: Sphinx reads it, `make docs` builds with it."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "biotrail"
author = "The biotrail authors"
copyright = "The biotrail authors, Apache-2.0"
version = release = installed_version("biotrail")

# Nothing is fetched while building: no intersphinx, no fonts or scripts from elsewhere.
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "api_pages", "http_pages"]
exclude_patterns = ["_ext"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
default_role = "py:obj"
# A docstring may name `Event` where the page has two doors to it; either is right.
# A folder of pages may be empty for a time.
suppress_warnings = ["ref.python", "toc.empty_glob"]

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True

html_theme = "furo"
html_title = "biotrail"
html_show_sourcelink = False
