"""Holds custom resources against the schemas in schemas/, which kubernetes-validate takes none of.

Takes manifests, and says on standard output what is wrong with them. The schemas know every field, so a misspelt one,
which an API server would drop without a word, is an error.
"""

import json
import pathlib
import sys

import jsonschema
import yaml

schemas = {
    path.stem: jsonschema.Draft202012Validator(json.loads(path.read_text()))
    for path in sorted((pathlib.Path(__file__).parent / "schemas").glob("*.json"))
}
found = 0
bad = False
for name in sys.argv[1:]:
    for document in pathlib.Path(name).read_text().split("\n---\n"):
        # Most documents are not custom, and to parse them takes long.
        if not any(f"\nkind: {kind}\n" in f"\n{document}\n" for kind in schemas):
            continue
        resource = yaml.safe_load(document)
        if resource["kind"] not in schemas:
            continue
        found += 1
        for error in schemas[resource["kind"]].iter_errors(resource):
            bad = True
            print(f"{name}: {resource['kind']} {error.json_path}: {error.message}")
if not found:
    print("there is no custom resource of a kind that has a schema")
sys.exit(bad or not found)
