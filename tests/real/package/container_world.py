"""A container without an engine: the root file system of an image, read-only, in namespaces of its
own, with mounts in it, as a user whom nobody knows and who may do nothing.

As Kubernetes and Compose do it: a mount point is made in the root before that becomes read-only; a
secret's files are links into a folder of the moment; a volume belongs to whom the engine gives it.
"""

import os
import subprocess

START = """
set -e
mount --make-rprivate /
mount --bind "$ROOT" "$ROOT"
while read -r from to mode; do
    [ -n "$from" ] || continue
    mount --bind "$from" "$ROOT$to"
    [ "$mode" = rw ] || mount -o remount,bind,ro "$ROOT$to"
done <<MOUNTS
$MOUNTS
MOUNTS
mount -t proc proc "$ROOT/proc"
mount -o remount,bind,ro "$ROOT"
cd /
exec setpriv --no-new-privs env -u ROOT -u MOUNTS chroot --userspec="$OWNER" --groups="$GROUPS_TOO" "$ROOT" "$@"
"""


class Container:
    """An image's root, and what is mounted into it; each `command` is a container of its own."""

    def __init__(self, root, env, user, groups=()):
        self.root, self.env, self.user, self.groups = root, env, user, groups
        self.mounts = []
        (root / "proc").mkdir(exist_ok=True)

    def mount(self, source, target, writable=False):
        (self.root / target[1:]).mkdir(parents=True, exist_ok=True)
        self.mounts.append(f"{source} {target} {'rw' if writable else 'ro'}")

    def start(self, *command, env=None, **options):
        given = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "ROOT": str(self.root),
            "MOUNTS": "\n".join(self.mounts),
            "OWNER": f"{self.user}:{self.user}",
            "GROUPS_TOO": ",".join(map(str, self.groups or (self.user,))),
        }
        return subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", START, "sh", *command],
            env=given | self.env | (env or {}), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True, **options,
        )

    def run(self, *command, stdin="", env=None):
        process = self.start(*command, env=env)
        out, err = process.communicate(stdin, timeout=60)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    def succeed(self, *command, **options):
        done = self.run(*command, **options)
        assert done.returncode == 0, done
        return done.stdout


def kubernetes_secret(folder, files, group):
    """A volume of a Secret as a pod with `fsGroup` sees it: links through `..data`, mode 0440."""
    data = folder / "..2026_11_28"
    data.mkdir(parents=True)
    for name, content in files.items():
        (data / name).write_text(content)
        os.chown(data / name, 0, group)
        (data / name).chmod(0o440)
        (folder / name).symlink_to(f"..data/{name}")
    (folder / "..data").symlink_to(data.name)
    for each in (data, folder):
        os.chown(each, 0, group)
        each.chmod(0o2775)
    return folder


def kubernetes_empty_dir(folder, group):
    """An `emptyDir` as a pod with `fsGroup` sees it: root's, and everybody may write there."""
    folder.mkdir()
    os.chown(folder, 0, group)
    folder.chmod(0o2777)
    return folder
