# What the commands in tests/ share: the help, what is installed, and what is built. Sourced by each
# of them; goes to the repository's root, answers --help, and does nothing else by itself.

set -euo pipefail
exec </dev/null
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
target=${CARGO_TARGET_DIR:-$PWD/target}
venv=$target/real/venv

# With the minutes since the command began: what makes it slower is to be seen.
step() { printf '\n== %d:%02d  %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# The comment that the command begins with.
usage() { sed -n '2,/^[^#]/{/^#/!d;s/^# \{0,1\}//;p}' "tests/${0##*/}"; }

case ${1:-} in
    -h | --help) usage; exit 0 ;;
esac

# --- what is installed -----------------------------------------------------------------------

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

# Waits ten minutes for another package manager: apt-get does so by itself for the lock on what is
# installed, and not for those on its lists and on what it downloads.
apt_get() {
    local said waiting begun=$SECONDS
    until said=$(as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
        apt-get -qq -o DPkg::Lock::Timeout=600 "$@" 2>&1); do
        if [[ $said != *'Could not get lock'* ]] || ((SECONDS - begun > 600)); then
            fail "apt-get $1: $said"
        fi
        [ -n "${waiting:-}" ] || printf 'waiting for another package manager\n'
        waiting=yes
        sleep 2
    done
}

# Installs the packages of commands that are missing; reads a command and its package a line.
install_debian_packages() {
    local missing=("$@") command package
    while read -r command package; do
        command -v "$command" >/dev/null || missing+=("$package")
    done
    [ "${#missing[@]}" = 0 ] && return
    step "Installing Debian packages: ${missing[*]}"
    command -v apt-get >/dev/null || fail "no apt-get here: install these by hand: ${missing[*]}"
    apt_get update
    apt_get install --yes --no-install-recommends "${missing[@]}"
}

# Takes more commands, each with its packages behind it as one word.
install_usual_debian_packages() {
    local more=()
    /usr/bin/python3 -c 'import ensurepip' 2>/dev/null || more+=(python3-venv)
    for (( ; $# > 0; )); do
        # shellcheck disable=SC2206 # there may be several packages
        command -v "$1" >/dev/null || more+=($2)
        shift 2
    done
    install_debian_packages "${more[@]}" <<'END'
python3 python3
chromium chromium
dbus-daemon dbus-daemon
gnome-keyring-daemon gnome-keyring
secret-tool libsecret-tools
sqlite3 sqlite3
strace strace
curl curl
git git
rclone rclone
direnv direnv
skopeo skopeo
zsh zsh
fish fish
END
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

# Debian packages (as root, or with sudo; "$@" as above), and what is pinned in tests/real, under
# target/ and tests/real/node_modules.
install_real_components() {
    install_usual_debian_packages "$@"
    install_python_packages
    find_node
    install_node_packages
}

# The keychains beside GNOME's: 34 MB to download and 121 MB on the disk, where the usual packages are
# 307 MB and 1.1 GB.
install_keychains() {
    install_debian_packages <<'END'
keepassxc keepassxc
kwalletd5 libkf5wallet-bin
Xvfb xvfb
END
}

# --- what is built and run -------------------------------------------------------------------

# The program alone, as it is shipped: with an example it would get what tests need of its crates.
build_release() {
    step 'Release build'
    cargo build --quiet --release --locked --bin tokctl
}

# Runs pytest with these arguments, on the release build.
test_real_components() { test_components_with "$target/release/tokctl" "$@"; }

# Runs pytest on the program that is named first.
test_components_with() {
    TOKCTL_BINARY=$1 PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" -m pytest --quiet --tb=short "${@:2}"
}
