"""How the program finds a host by its name. Linked statically, it loads no name service of the
system's: not even where `/etc/nsswitch.conf` puts some before `/etc/hosts` and DNS."""

import subprocess

import pytest

from name_services import NAMES, UNSHARE, check, made_up_services
from world import BINARY


def static():
    """Whether the program has no interpreter, which would load shared objects for it."""
    return b"/ld-linux" not in BINARY.read_bytes()[:4096]


@pytest.fixture
def folder(tmp_path):
    if subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("namespaces are forbidden here")
    made_up_services(tmp_path)
    return tmp_path


@pytest.mark.skipif(not static(), reason="the program is linked dynamically")
@pytest.mark.parametrize("name", [pytest.param(NAMES[0], marks=pytest.mark.smoke), *NAMES[1:]])
def test_a_host_is_found_without_a_shared_object(keyed, folder, name):
    done, opened = check(keyed, folder, name)
    assert done.returncode == 0, (done, opened)
    assert '"/etc/hosts"' in opened, opened
    assert ".so" not in opened, opened


@pytest.mark.skipif(not static(), reason="the program is linked dynamically")
def test_a_name_that_nobody_knows_is_told_without_a_shared_object(keyed, folder):
    done, opened = check(keyed, folder, "nowhere.test")
    assert done.returncode == 6, done
    assert ".so" not in opened, opened
