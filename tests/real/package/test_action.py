"""The action for GitHub: its steps are run as the runner runs them."""

import os
import re
import subprocess

import pytest
import yaml

from release import ROOT, made_up_release, said

ACTION = yaml.safe_load((ROOT / "packaging/action/action.yml").read_text())
# What the runner calls for `shell: sh` and `shell: bash`.
SHELLS = {"sh": ["sh", "-e"], "bash": ["bash", "--noprofile", "--norc", "-eo", "pipefail"]}
EXPRESSION = re.compile(r"\$\{\{ *(\S+) *\}\}")


class Runner:
    """A runner's folders, and what the steps so far gave it."""

    def __init__(self, folder):
        self.folder = folder
        self.path, self.outputs = [], {}
        for name in ("temp", "home"):
            (folder / name).mkdir()

    def use(self, inputs):
        """Runs the action; the last step's end."""
        given = {name: str(inputs.get(name, about.get("default", ""))) for name, about in ACTION["inputs"].items()}
        for name, about in ACTION["inputs"].items():
            assert not about["required"] or name in inputs
        for step in ACTION["runs"]["steps"]:
            values = {f"inputs.{name}": value for name, value in given.items()}
            done = self._run(step, lambda text: EXPRESSION.sub(lambda found: values[found[1]], text))
            if done.returncode != 0:
                break
        steps = {f"steps.{id}.outputs.{name}": value for id, its in self.outputs.items() for name, value in its.items()}
        self.result = {
            name: EXPRESSION.sub(lambda found: steps.get(found[1], ""), about["value"])
            for name, about in ACTION["outputs"].items()
        }
        return done

    def _run(self, step, evaluate):
        # An input that stands in a script is a command to whoever may choose it.
        assert "${{" not in step["run"], step
        script, path, output = (self.folder / name for name in ("script", "path", "output"))
        script.write_text(step["run"])
        path.write_text("")
        output.write_text("")
        env = {name: evaluate(text) for name, text in step.get("env", {}).items()} | {
            "CI": "true", "GITHUB_ACTIONS": "true", "HOME": str(self.folder / "home"),
            "PATH": ":".join([*self.path, "/usr/bin", "/bin"]),
            "RUNNER_TEMP": str(self.folder / "temp"), "GITHUB_PATH": str(path), "GITHUB_OUTPUT": str(output),
            "GITHUB_ACTION_PATH": str(ROOT / "packaging/action"),
        }
        done = subprocess.run([*SHELLS[step["shell"]], str(script)], env=env, capture_output=True, text=True, check=False)
        self.path = path.read_text().split() + self.path
        lines = output.read_text().splitlines()
        self.outputs[step.get("id")] = dict(line.split("=", 1) for line in lines)
        return done


@pytest.fixture
def runner(tmp_path):
    folder = tmp_path / "runner"
    folder.mkdir()
    return Runner(folder)


def test_a_step_after_it_finds_the_program(runner, tmp_path):
    done = runner.use({"release": made_up_release(tmp_path)})
    assert done.returncode == 0, done
    assert runner.result == {"version": "9.9.9"}
    assert said("tokctl", env={"PATH": ":".join(runner.path)}) == "tokctl 9.9.9\n"
    assert not any((runner.folder / "home").iterdir())


def test_a_sum_that_is_another_ends_the_job(runner, tmp_path):
    done = runner.use({"release": made_up_release(tmp_path), "sha256": "0" * 64})
    assert done.returncode != 0 and "is not what it should be" in done.stderr, done
    assert runner.path == [] and runner.result == {"version": ""}


def test_an_input_is_no_command(runner, tmp_path):
    there = tmp_path / "written"
    done = runner.use({"release": f"$(touch {there}) '; touch {there}; '"})
    assert done.returncode != 0 and not os.path.exists(there), done
