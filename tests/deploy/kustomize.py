"""The part of kustomize that k8s/ uses, so that the objects can be tested without its binary.

Resources, components, namespace, labels, images, replicas, generated config maps (with the hash
in the name left out), JSON patches and merge patches. Whatever else a kustomization says is
refused, so that nothing is silently left out. `test_kubernetes.py` compares with the real program
where it is installed.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

__all__ = ["build"]

Resource = dict[str, Any]
_KNOWN: Final = {
    "apiVersion",
    "kind",
    "resources",
    "components",
    "namespace",
    "labels",
    "images",
    "replicas",
    "configMapGenerator",
    "patches",
}


def build(folder: Path) -> list[Resource]:
    """The objects of an overlay, in order."""
    return _apply(folder, [])


def _apply(folder: Path, below: list[Resource]) -> list[Resource]:
    recipe = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))
    unknown = recipe.keys() - _KNOWN
    assert not unknown, f"{folder}: {unknown} is not supported here"
    objects = [*below, *_load(folder, recipe.get("resources", []))]
    for component in recipe.get("components", []):
        objects = _apply((folder / component).resolve(), objects)
    for generated in recipe.get("configMapGenerator", []):
        data = {name: (folder / name).read_text("utf-8") for name in generated["files"]}
        meta = {"name": generated["name"]}
        objects.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data})
    for patch in recipe.get("patches", []):
        _patch(objects, patch)
    for entry in recipe.get("replicas", []):
        for one in objects:
            if one["kind"] == "StatefulSet" and one["metadata"]["name"] == entry["name"]:
                one["spec"]["replicas"] = entry["count"]
    for one in objects:
        for image in recipe.get("images", []):
            _name_image(one, image)
        for entry in recipe.get("labels", []):
            _label(one, entry["pairs"])
            if entry.get("includeSelectors"):
                _select(one, entry["pairs"])
        if "namespace" in recipe:
            one["metadata"]["namespace"] = recipe["namespace"]
    return objects


def _load(folder: Path, names: list[str]) -> list[Resource]:
    objects: list[Resource] = []
    for name in names:
        path = (folder / name).resolve()
        if path.is_dir():
            objects += build(path)
        else:
            objects += [one for one in yaml.safe_load_all(path.read_text("utf-8")) if one]
    return objects


def _patch(objects: list[Resource], patch: Mapping[str, Any]) -> None:
    target, change = patch["target"], yaml.safe_load(patch["patch"])
    [found] = [
        one
        for one in objects
        if one["kind"] == target["kind"] and one["metadata"]["name"] == target["name"]
    ]
    if isinstance(change, dict):
        _merge(found, change)
        return
    for step in change:
        *parents, last = step["path"].strip("/").split("/")
        node: Any = found
        for key in parents:
            node = node[int(key) if isinstance(node, list) else key]
        if step["op"] == "remove":
            del node[last]
        elif step["op"] == "add":
            assert last == "-", step
            node.append(step["value"])
        else:
            assert step["op"] == "replace" and last in node, step
            node[last] = step["value"]


def _merge(into: Resource, change: Resource) -> None:
    for key, value in change.items():
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = value


def _name_image(one: Resource, image: Mapping[str, str]) -> None:
    if one["kind"] == "StatefulSet":
        for container in one["spec"]["template"]["spec"]["containers"]:
            if container["image"] == image["name"]:
                container["image"] = f"{image['newName']}:{image['newTag']}"


def _label(one: Resource, pairs: Mapping[str, str]) -> None:
    one["metadata"].setdefault("labels", {}).update(pairs)


def _select(one: Resource, pairs: Mapping[str, str]) -> None:
    """Selectors of the kinds that kustomize knows to have one, and the pods that they are for."""
    spec = one.get("spec", {})
    match one["kind"]:
        case "Service":
            spec.setdefault("selector", {}).update(pairs)
        case "StatefulSet":
            spec.setdefault("selector", {}).setdefault("matchLabels", {}).update(pairs)
        case "NetworkPolicy":
            _update_if_there(spec, "podSelector", pairs)
        case "PodDisruptionBudget":
            _update_if_there(spec, "selector", pairs)
    if one["kind"] == "StatefulSet":
        meta = spec["template"].setdefault("metadata", {})
        meta.setdefault("labels", {}).update(pairs)
        for constraint in spec["template"]["spec"]["topologySpreadConstraints"]:
            constraint["labelSelector"]["matchLabels"].update(pairs)


def _update_if_there(spec: Resource, selector: str, pairs: Mapping[str, str]) -> None:
    """kustomize makes no selector for these kinds: one that was forgotten stays forgotten."""
    if "matchLabels" in spec.get(selector, {}):
        spec[selector]["matchLabels"].update(pairs)
