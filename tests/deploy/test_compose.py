"""deploy/compose.milvus.yaml: what Kollega is told there it understands, and everything that is named is there."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from indexer.cli import main as kollega
from recommender.settings import PREFIX, Settings
from tests.paths import ROOT

FILE = ROOT / "deploy" / "compose.milvus.yaml"
PARSED: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = PARSED["services"]
OWN = ("serve", "watch")


@pytest.mark.parametrize("name", OWN)
def test_kollega_gets_settings_that_it_accepts_and_a_command_that_it_has(name: str) -> None:
    service = SERVICES[name]
    given = {key: value for key, value in service["environment"].items() if key.startswith(PREFIX)}
    known = {variable for variable, _default, _meaning in Settings.table()}
    assert given.keys() <= known
    values = {key: "" if value.startswith("${") else value for key, value in given.items()}
    settings = Settings.from_environment({"KOLLEGA_HOME": "/srv/kollega", **values})
    assert (settings.index, settings.milvus) == ("milvus", "http://milvus:19530")
    assert CliRunner().invoke(kollega, [*service["command"], "--help"]).exit_code == 0
    assert "kollega:/srv/kollega" in service["volumes"] and service["read_only"] and service["cap_drop"] == ["ALL"]


def test_hosts_and_ports_are_those_of_other_services() -> None:
    database = SERVICES["serve"]["environment"]["KOLLEGA_DATABASE"]
    postgres, milvus = SERVICES["postgres"]["environment"], SERVICES["milvus"]["environment"]
    assert database == f"postgresql+psycopg://{postgres['POSTGRES_USER']}@postgres:5432/{postgres['POSTGRES_DB']}"
    assert milvus["ETCD_ENDPOINTS"] == "etcd:2379"
    assert "--listen-client-urls=http://0.0.0.0:2379" in SERVICES["etcd"]["command"]
    assert milvus["MINIO_ADDRESS"] == "objects:9000"
    objects = SERVICES["objects"]["environment"]
    assert (milvus["MINIO_ACCESS_KEY_ID"], milvus["MINIO_SECRET_ACCESS_KEY"]) == (
        objects["MINIO_ROOT_USER"],
        objects["MINIO_ROOT_PASSWORD"],
    )


def test_what_a_service_waits_for_says_when_it_is_well() -> None:
    for service in SERVICES.values():
        for name, wait in service.get("depends_on", {}).items():
            assert wait == {"condition": "service_healthy"}
            assert "test" in SERVICES[name]["healthcheck"]


def test_what_has_to_be_kept_is_in_a_volume_and_no_other_is_named() -> None:
    used = {volume.partition(":")[0] for service in SERVICES.values() for volume in service["volumes"]}
    assert used == set(PARSED["volumes"])


def test_no_password_is_in_the_file_and_only_the_web_server_is_reached_from_this_machine() -> None:
    for service in SERVICES.values():
        for key, value in service["environment"].items() if "environment" in service else ():
            if "PASSWORD" in key or "SECRET" in key:
                assert value.startswith("${") and ":?" in value
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "serve": ["127.0.0.1:8080:8080"]
    }


def test_images_of_others_have_a_version_and_ours_is_built_here() -> None:
    for name, service in SERVICES.items():
        if name in OWN:
            build = service["build"]
            assert (FILE.parent / build["context"] / build["dockerfile"]).resolve() == Path(
                ROOT / "deploy/Containerfile"
            )
        else:
            image, _, tag = service["image"].rpartition(":")
            assert "/" in image and tag not in ("", "latest")


def _has_compose() -> bool:
    docker = shutil.which("docker")
    return docker is not None and subprocess.run([docker, "compose", "version"], capture_output=True).returncode == 0


@pytest.mark.skipif(not _has_compose(), reason="docker compose is not installed")
def test_docker_accepts_it() -> None:
    passwords = {"KOLLEGA_DATABASE_PASSWORD": "one", "KOLLEGA_OBJECTS_PASSWORD": "other"}
    ran = subprocess.run(
        ["docker", "compose", "--file", FILE, "config", "--quiet"],
        capture_output=True,
        text=True,
        env={**os.environ, **passwords},
    )
    assert (ran.returncode, ran.stdout) == (0, "")
