"""Hone's search spaces in Python: what a coordinate in [0, 1] means, which parameters are active."""

import math


def parameter(kind, low, high, log=False, when=None):
    spec = {"type": kind, "low": low, "high": high}
    if log:
        spec["scale"] = "log"
    if when:
        spec["when"] = when
    return spec


def real(low, high, log=False, when=None):
    return parameter("float", low, high, log, when)


def whole(low, high, log=False, when=None):
    return parameter("int", low, high, log, when)


def choice(*choices, when=None):
    return {"type": "categorical", "choices": list(choices), **({"when": when} if when else {})}


def is_active(spec, params):
    """Whether a parameter is active, given those before it (in these spaces parents come first)."""
    return all(parent in params and params[parent] in values for parent, values in spec.get("when", {}).items())


def active(space, params):
    """The configuration without its inactive parameters."""
    kept = {}
    for name, spec in space.items():
        if is_active(spec, kept) and params.get(name) is not None:
            kept[name] = params[name]
    return kept


def value_at(spec, u):
    """The value at a coordinate."""
    u = min(1.0, max(0.0, u))
    if spec["type"] == "categorical":
        return spec["choices"][min(len(spec["choices"]) - 1, int(u * len(spec["choices"])))]
    low, high = spec["low"], spec["high"]
    if spec["type"] == "int":
        low, high = low - 0.5, high + 0.5
    if spec.get("scale") == "log":
        value = math.exp(math.log(low) + u * (math.log(high) - math.log(low)))
    else:
        value = low + u * (high - low)
    if spec["type"] == "int":
        return int(min(spec["high"], max(spec["low"], round(value))))
    return min(high, max(low, value))


def coordinate_of(spec, value):
    """The coordinate of a value."""
    if spec["type"] == "categorical":
        return (spec["choices"].index(value) + 0.5) / len(spec["choices"])
    low, high = spec["low"], spec["high"]
    if spec["type"] == "int":
        low, high = low - 0.5, high + 0.5
    if spec.get("scale") == "log":
        return (math.log(value) - math.log(low)) / (math.log(high) - math.log(low))
    return (value - low) / (high - low)


def draw(space, random):
    """A random configuration."""
    params = {}
    for name, spec in space.items():
        if is_active(spec, params):
            params[name] = value_at(spec, random.random())
    return params


def near(space, params, random):
    """A configuration a few steps from another; `random` is one of numpy."""
    next_params = {}
    share = random.choice([0.2, 0.5, 1.0])
    size = 0.4 * 10 ** (-2 * random.random_sample())
    for name, spec in space.items():
        if not is_active(spec, next_params):
            continue
        if name not in params:
            next_params[name] = value_at(spec, random.random_sample())
        elif random.random_sample() > share:
            next_params[name] = params[name]
        elif spec["type"] == "categorical":
            next_params[name] = value_at(spec, random.random_sample())
        else:
            next_params[name] = value_at(spec, coordinate_of(spec, params[name]) + size * random.standard_normal())
    return next_params


def features(space, params):
    """One number per parameter, and one per choice; -1 if inactive."""
    row = []
    for name, spec in space.items():
        if spec["type"] == "categorical":
            row += [float(name in params and params[name] == option) for option in spec["choices"]]
        else:
            row.append(coordinate_of(spec, params[name]) if name in params else -1.0)
    return row
