#!/bin/sh
# Installs tokctl with its manual and its completions, for one user and without root.
#
#   sh install.sh [--from DIR-OR-URL] [--prefix DIR] [--sha256 SUM] [--uninstall]
#
# --from      a release: a folder or an https address with the archives and SHA256SUMS ($TOKCTL_RELEASE)
# --prefix    where to put it ($PREFIX, or ~/.local)
# --sha256    the sum that the archive must have, from where you trust it; else SHA256SUMS has it, which
#             finds what was damaged on its way and not what somebody exchanged together with the sums
# --uninstall removes what this script installs, and no credential
#
# Needs tar, gzip, and sha256sum, shasum or openssl; for an address, curl or wget.
set -eu

# Where the releases are. Nobody publishes any yet: fill it in with the first that is.
published=

fail() { printf 'install.sh: %s\n' "$*" >&2; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

from=${TOKCTL_RELEASE:-$published}
prefix=${PREFIX:-}
wanted_sum=
uninstall=
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help) sed -n '2,/^[^#]/{/^#/!d;s/^# \{0,1\}//;p;}' "$0"; exit 0 ;;
        --uninstall) uninstall=yes; shift; continue ;;
        --from | --prefix | --sha256) [ $# -gt 1 ] || fail "$1 takes a value; see --help" ;;
        *) fail "what is \`$1\`? see --help" ;;
    esac
    case $1 in
        --from) from=$2 ;;
        --prefix) prefix=$2 ;;
        --sha256) wanted_sum=$2 ;;
    esac
    shift 2
done
[ -n "$prefix" ] || prefix=${HOME:?'install.sh: HOME is not set: say where with --prefix'}/.local
case $prefix in
    /*) ;;
    *) prefix=$PWD/$prefix ;;
esac
bash_folder=$prefix/share/bash-completion/completions
zsh_folder=$prefix/share/zsh/site-functions
fish_folder=$prefix/share/fish/vendor_completions.d

remove() {
    rm -f "$prefix/bin/tokctl" "$bash_folder/tokctl" "$zsh_folder/_tokctl" "$fish_folder/tokctl.fish"
    for section in 1 5 7; do
        rm -f "$prefix/share/man/man$section/tokctl.$section" "$prefix/share/man/man$section"/tokctl-*."$section"
    done
    rm -rf "$prefix/share/doc/tokctl"
}

if [ -n "$uninstall" ]; then
    remove
    printf 'removed tokctl from %s; vaults stay where they are\n' "$prefix"
    exit 0
fi

[ -n "$from" ] || fail 'no release is published yet: make one with packaging/release, and say where it is with --from'
[ "$(uname -s)" = Linux ] || fail "the programs of a release are for Linux, and this is $(uname -s): build it with cargo install --path . --locked"
case $(uname -m) in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) fail "no release has a program for $(uname -m): build it with cargo install --path . --locked" ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' HUP INT TERM

# Puts a file of the release into $work.
fetch() {
    case $from in
        https://* | file://* | http://127.0.0.1[:/]* | http://localhost[:/]*)
            if has curl; then
                curl --fail --silent --show-error --location --proto-redir '=https' --output "$work/$1" "${from%/}/$1" || return 1
            elif has wget; then
                wget -q -O "$work/$1" "${from%/}/$1" || return 1
            else
                fail 'neither curl nor wget is here'
            fi
            ;;
        *://*) fail "$from is no https address: what comes from there could be anybody's" ;;
        *) cp "$from/$1" "$work/$1" || return 1 ;;
    esac
}

sum_of() {
    if has sha256sum; then
        sha256sum <"$1"
    elif has shasum; then
        shasum -a 256 <"$1"
    elif has openssl; then
        openssl dgst -sha256 -r <"$1"
    else
        fail 'none of sha256sum, shasum and openssl is here: the sum can'\''t be checked'
    fi | cut -d' ' -f1
}

fetch SHA256SUMS || fail "$from has no SHA256SUMS: is it a release?"
# The sum is 64 digits, and the name has no folder in it: it becomes a place below.
line=$(sed -n "/^[0-9a-f]\{64\}  tokctl-[0-9A-Za-z.+-]*-$machine-linux\.tar\.gz\$/p" "$work/SHA256SUMS")
[ -n "$line" ] || fail "$from has no program for $machine"
[ "$(printf '%s\n' "$line" | wc -l)" -eq 1 ] || fail "$from has more than one version: which one is meant?"
archive=${line#*  }
listed_sum=${line%%  *}
fetch "$archive" || fail "$from lists $archive and does not have it"
sum=$(sum_of "$work/$archive")
[ -n "$sum" ] || fail "the sum of $archive can't be computed"
[ "$sum" = "${wanted_sum:-$listed_sum}" ] ||
    fail "$archive is not what it should be, so nothing was installed: its SHA-256 sum is $sum, and not ${wanted_sum:-$listed_sum}"

(cd "$work" && gzip -dc "$archive" | tar -xf -) || fail "$archive can't be unpacked"
unpacked=$work/${archive%.tar.gz}
version=$("$unpacked/tokctl" --version) || fail "the program does not run on this machine"

# A file is complete before it has its name, so that a program in use and a shell find one or the other.
put() {
    mkdir -p "$3"
    cp "$2" "$3/.$4.new" && chmod "$1" "$3/.$4.new" && mv -f "$3/.$4.new" "$3/$4"
}
mkdir -p "$prefix" || fail "$prefix can't be made: choose another with --prefix"
put 755 "$unpacked/tokctl" "$prefix/bin" tokctl
for page in "$unpacked"/man/*.[157]; do
    put 644 "$page" "$prefix/share/man/man${page##*.}" "${page##*/}"
done
put 644 "$unpacked/completions/tokctl.bash" "$bash_folder" tokctl
put 644 "$unpacked/completions/_tokctl" "$zsh_folder" _tokctl
put 644 "$unpacked/completions/tokctl.fish" "$fish_folder" tokctl.fish
for text in LICENSE-APACHE LICENSE-MIT THIRD-PARTY README.md CHANGELOG.md; do
    put 644 "$unpacked/$text" "$prefix/share/doc/tokctl" "$text"
done

printf 'installed %s: %s\n' "$version" "$prefix/bin/tokctl"
case :${PATH:-}: in
    *:"$prefix/bin":*) ;;
    *) printf 'your shell does not find it there yet; add this to its startup file:\n  export PATH="%s:$PATH"\n' "$prefix/bin" ;;
esac
case ${SHELL:-} in
    */zsh) printf 'for completions, before compinit in ~/.zshrc:\n  fpath=("%s" $fpath)\n' "$zsh_folder" ;;
esac
