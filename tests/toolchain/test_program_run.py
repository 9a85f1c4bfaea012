"""The language host under the real engine: a program, its configuration, its errors."""

from __future__ import annotations

import json

import pytest

from tests.toolchain.project import VENV, Project

pytestmark = pytest.mark.engine


def test_a_program_runs_and_its_outputs_are_kept(project: Project) -> None:
    project.program("""
        import pulumi
        print("a line of the program")
        pulumi.export("answer", {"list": [1, 2], "text": "x"})
    """)
    result = project.up()
    assert result.code == 0, result.text
    assert "a line of the program" in result.text
    assert "from $PATH" not in result.text
    assert project.outputs() == {"answer": {"list": [1, 2], "text": "x"}}


def test_a_program_knows_where_it_runs(project: Project) -> None:
    project.program("""
        import pulumi
        from pulumi.runtime import settings
        pulumi.export("names", [pulumi.get_organization(), pulumi.get_project(), pulumi.get_stack()])
        pulumi.export("root", pulumi.get_root_directory())
        pulumi.export("parallel", settings.SETTINGS.parallel)
        if pulumi.runtime.is_dry_run():
            raise Exception("this is a preview")
    """)
    preview = project.pulumi("preview")
    assert preview.code != 0
    assert "this is a preview" in preview.text
    result = project.up("--parallel", "7")
    assert result.code == 0, result.text
    assert project.outputs() == {
        "names": ["organization", "tiny", "dev"],
        "root": str(project.folder),
        "parallel": 7,
    }


def test_a_program_in_the_folder_that_main_names_runs_there(project: Project) -> None:
    with (project.folder / "Pulumi.yaml").open("a") as file:
        file.write("main: inside/\n")
    (project.folder / "__main__.py").unlink()
    inside = project.folder / "inside"
    inside.mkdir()
    (inside / "beside.py").write_text("VALUE = 3\n")
    (inside / "__main__.py").write_text(
        "import os, pulumi, beside\npulumi.export('value', beside.VALUE)\npulumi.export('cwd', os.getcwd())\n"
    )
    result = project.up()
    assert result.code == 0, result.text
    assert project.outputs() == {"value": 3, "cwd": str(inside)}


def test_a_program_does_not_see_the_modules_of_the_host(project: Project) -> None:
    project.program("""
        import importlib.util, pulumi
        names = ["interpreter", "service", "packages", "program", "child"]
        pulumi.export("found", [name for name in names if importlib.util.find_spec(name)])
    """)
    result = project.up()
    assert result.code == 0, result.text
    assert project.outputs() == {"found": []}


def test_configuration_reaches_the_program(project: Project) -> None:
    project.pulumi("config", "set", "name", "a b ' \"")
    project.pulumi("config", "set", "--path", "zones[0].region", "eu-central-1")
    project.program("""
        import pulumi
        config = pulumi.Config()
        pulumi.export("name", config.require("name"))
        pulumi.export("zones", config.require_object("zones"))
    """)
    result = project.up()
    assert result.code == 0, result.text
    assert project.outputs() == {"name": "a b ' \"", "zones": [{"region": "eu-central-1"}]}


def test_a_secret_of_the_configuration_stays_secret(project: Project) -> None:
    project.pulumi("config", "set", "--secret", "token", "swordfish")
    project.program("""
        import os, sys, pulumi
        config = pulumi.Config()
        pulumi.export("token", config.require_secret("token"))
        pulumi.export("known", pulumi.runtime.config.is_config_secret("tiny:token"))
        assert "swordfish" not in " ".join(sys.argv)
    """)
    result = project.up()
    assert result.code == 0, result.text
    assert "swordfish" not in result.text
    exported = project.pulumi("stack", "export").text
    assert "swordfish" not in exported
    assert project.outputs() == {"token": "[secret]", "known": True}
    assert project.outputs("--show-secrets") == {"token": "swordfish", "known": True}


def test_an_exception_in_the_program_shows_its_traceback_and_fails(project: Project) -> None:
    project.program("""
        import pulumi
        def inner():
            raise ValueError("no such thing")
        inner()
    """)
    result = project.up()
    assert result.code != 0
    assert "Program failed with an unhandled exception" in result.text
    assert '__main__.py", line 4, in inner' in result.text
    assert "ValueError: no such thing" in result.text
    assert "pulumi-language-python" not in result.text, "the traceback shows more than the program"
    project.program("import pulumi; pulumi.export('ok', True)")
    assert project.up().code == 0, "the stack cannot be used after a failed program"


def test_a_run_error_is_one_line(project: Project) -> None:
    project.program("import pulumi; raise pulumi.RunError('the region is wrong')")
    result = project.up()
    assert result.code != 0
    assert "error: the region is wrong" in result.text
    assert "Traceback" not in result.text


def test_a_program_that_exits_fails_with_its_code(project: Project) -> None:
    project.program("import os; os._exit(7)")
    result = project.up()
    assert result.code != 0
    assert "the program exited with code 7" in result.text


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"virtualenv": "gone"}, ["'gone'", "does not exist", "make setup"]),
        ({"virtualenv": "state"}, ["is not a virtual environment"]),
        ({"toolchain": "poetry"}, ["runtime.options.toolchain", "'poetry'", "official"]),
        ({"virtualenv": str(VENV), "typechecker": "mypy"}, ["runtime.options.typechecker", "'mypy'"]),
    ],
)
def test_an_environment_that_cannot_be_used_is_named(
    project: Project, options: dict[str, str], words: list[str]
) -> None:
    project.options(**options)
    result = project.up()
    assert result.code != 0
    for word in words:
        assert word in result.text
    assert "unhandled" not in result.text
    assert "Traceback" not in result.text


def test_about_names_the_interpreter_its_packages_and_the_plugins_they_need(project: Project) -> None:
    answer = project.pulumi("about", "--json")
    about = json.loads(answer.text[answer.text.index("{") :])
    assert about["runtime"]["executable"] == str(VENV / "bin" / "python")
    names = {package["name"].lower().replace("_", "-") for package in about["dependencies"]}
    assert "pulumi-aws" in names
    assert "pulumi" not in names, "what others require is not a dependency of the program"
    plugins = {plugin["name"] for plugin in about["plugins"]}
    assert {"aws", "python"} <= plugins
