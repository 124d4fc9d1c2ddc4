# What the real components need, installed where it is missing. Sourced by tests/run and tests/bench
# from the repository's root, with `target` set; installs nothing by itself.

venv=$target/real/venv

step() { printf '\n== %s\n' "$*"; }
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        # Without a terminal nobody can type a password, so it is not asked for.
        sudo --non-interactive "$@"
    else
        fail "neither root nor sudo: as root, run: $*"
    fi
}

install_debian_packages() {
    local missing=() command package
    while read -r command package; do
        command -v "$command" >/dev/null || missing+=("$package")
    done <<'END'
python3 python3
chromium chromium
dbus-daemon dbus-daemon
gnome-keyring-daemon gnome-keyring
secret-tool libsecret-tools
sqlite3 sqlite3
strace strace
curl curl
git git
zsh zsh
fish fish
END
    /usr/bin/python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
    [ "${#missing[@]}" = 0 ] && return
    step "Installing Debian packages: ${missing[*]}"
    command -v apt-get >/dev/null || fail "no apt-get here: install these by hand: ${missing[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install --yes --no-install-recommends "${missing[@]}" >/dev/null
}

install_python_packages() {
    step 'Python packages (pinned, under target/)'
    [ -x "$venv/bin/pip" ] || /usr/bin/python3 -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/real/requirements.txt
}

# Debian 12's own Node.js is too old for the authorization server; PyPI has one that will do.
find_node() {
    local major
    major=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
    if [ "$major" -lt 20 ] || ! command -v npm >/dev/null; then
        step 'Node.js (from PyPI, under target/): none here, or one before 20'
        "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/real/node.txt
        PATH=$venv/bin:$PATH
    fi
    NODE=$(node -p process.execPath)
    export NODE PATH
}

install_node_packages() {
    step 'npm packages (locked)'
    npm ci --prefix tests/real --ignore-scripts --no-audit --no-fund --loglevel=error
}

# Makes the Debian package. Installed once, under target/.
install_cargo_deb() {
    local version=3.8.0
    cargo_deb=$target/real/cargo-deb/bin/cargo-deb
    [ "$("$cargo_deb" --version 2>/dev/null)" = "$version" ] && return
    step 'cargo-deb (under target/)'
    cargo install --quiet --locked --version "$version" --root "$target/real/cargo-deb" cargo-deb
}
