# shellcheck shell=bash
# Installs what is missing of packages.txt.

# packages_of GROUP...: the names in those groups, one a line.
packages_of() {
    local group name wanted=" $* "
    while read -r group name; do
        case "$group" in '' | '#'*) continue ;; esac
        [[ $wanted != *" $group "* ]] || printf '%s\n' "$name"
    done <packages.txt
}

packages_missing() {
    local -A installed=()
    local name status fields="\${db:Status-Status} \${Package}\n"
    while read -r status name; do
        [ "$status" != installed ] || installed[$name]=1
    done < <(packages_of "$@" | xargs dpkg-query -W -f "$fields" 2>/dev/null || true)
    while read -r name; do
        [ -n "${installed[$name]:-}" ] || printf '%s\n' "$name"
    done < <(packages_of "$@")
}

# packages_install GROUP...: asks dpkg only (milliseconds) when nothing is missing.
packages_install() {
    local missing as_root=()
    command -v dpkg-query >/dev/null || {
        warn "this is not Debian: have ready what packages.txt lists ($(packages_of "$@" | paste -sd' '))"
        return 0
    }
    mapfile -t missing < <(packages_missing "$@")
    [ ${#missing[@]} -gt 0 ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || die "packages are missing, and neither root nor sudo is here" \
            "as root: apt-get install --no-install-recommends ${missing[*]}"
        as_root=(sudo)
    fi
    say "installing ${missing[*]}"
    "${as_root[@]}" apt-get update -q >&2 || die "apt-get update failed" \
        "see /etc/apt/sources.list and the network; missing: ${missing[*]}"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        "${missing[@]}" >&2 || die "apt-get could not install all of: ${missing[*]}" \
        "the lines above say why; Debian 12 (bookworm) has them all"
}
