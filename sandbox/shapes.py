"""All vendors' response shapes in one flat object, so that a test or another process can change any of them by name.

Built from the vendors' declarations: a shape is declared in `sandbox/<provider>/shapes.py`, never here. A vendor's
package must not import this module; it reads its own shapes from its `ApiContext`.
"""

from dataclasses import fields, make_dataclass

from sandbox.vendors import list_vendors

ResponseShapes = make_dataclass(
    "ResponseShapes",
    (),
    bases=tuple(vendor.shapes for vendor in reversed(list_vendors())),  # reversed: fields in the order of the vendors
    namespace={"__doc__": "The shapes in use, of all vendors.", "__module__": __name__},
)
"""An instance is one of every vendor's own shapes at the same time: each vendor reads it through its own type."""


def list_shape_names() -> list[str]:
    """Return the names of all shapes."""
    return [field.name for field in fields(ResponseShapes)]
