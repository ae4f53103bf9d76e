"""Holds an event against the published schema of OCSF 1.8.0."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def _validator(class_uid: int, profiles: tuple[str, ...]) -> Any:
    from jsonschema import Draft202012Validator
    from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.8.0"))
    name = schema.lookup_class_name_from_uid(class_uid)
    return Draft202012Validator(schema.get_class_schema(class_name=name, profiles=list(profiles)))


def errors_in(event: dict[str, Any]) -> list[str]:
    """What the published schema says against an event."""
    profiles = tuple(event["metadata"].get("profiles", ()))
    found = _validator(event["class_uid"], profiles).iter_errors(event)
    return [f"{'/'.join(map(str, one.path))}: {one.message}" for one in found]
