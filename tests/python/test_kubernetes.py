"""The manifests of examples/kubernetes, held against Kubernetes' published schemas and against our own command line."""

import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from peer import PROGRAM

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "kubernetes"
# ReadWriteOncePod and gRPC probes are stable from 1.29 on; what comes after it is tried up to what the package knows.
OLDEST = (1, 29)


def manifests():
    documents = []
    for file in sorted(FOLDER.glob("*.yaml")):
        for document in yaml.safe_load_all(file.read_text()):
            documents.append(pytest.param(document, id=f"{file.stem}-{document['kind']}-{document['metadata']['name']}"))
    return documents


def versions():
    known = [tuple(int(part) for part in name.removeprefix("v").split("-")[0].split(".")[:2]) for name in published()]
    return [f"{major}.{minor}" for major, minor in sorted(set(known)) if (major, minor) >= OLDEST]


def published():
    folder = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    return [path.name for path in folder.iterdir() if path.name.endswith("-local-strict")]


@pytest.mark.parametrize("version", versions())
@pytest.mark.parametrize("document", manifests())
def test_each_manifest_is_what_kubernetes_takes(document, version):
    kubernetes_validate.validate(document, version, strict=True)


def test_a_field_that_kubernetes_does_not_know_is_noticed():
    document = next(one.values[0] for one in manifests() if one.values[0]["kind"] == "StatefulSet")
    document["spec"]["updateStrategy"]["rollingUpdate"]["partitions"] = 1
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, versions()[-1], strict=True)


def node():
    sets = [one.values[0] for one in manifests() if one.values[0]["kind"] == "StatefulSet"]
    (only,) = sets
    return only["spec"]


def test_the_parts_of_the_manifests_fit_together():
    spec = node()
    template = spec["template"]
    (container,) = template["spec"]["containers"]
    labels = template["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    services = {one.values[0]["metadata"]["name"]: one.values[0] for one in manifests() if one.values[0]["kind"] == "Service"}
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    for service in services.values():
        assert service["spec"]["selector"].items() <= labels.items()
        assert all(port["targetPort"] in ports for port in service["spec"]["ports"])
    assert services[spec["serviceName"]]["spec"]["clusterIP"] == "None"
    assert container["readinessProbe"]["grpc"]["port"] == container["startupProbe"]["grpc"]["port"] == ports["grpc"]
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    environment = {variable["name"]: variable["value"] for variable in container["env"]}
    (claim,) = spec["volumeClaimTemplates"]
    assert environment["STRADDLE_STATE"].startswith(mounts[claim["metadata"]["name"]] + "/")
    assert container["image"].endswith(":" + environment["STRADDLE_RUN"])
    # As it lies there, applying it replaces nothing.
    assert spec["updateStrategy"]["rollingUpdate"]["partition"] == spec["replicas"]


def test_pre_stop_is_a_command_that_there_is_and_ends_in_time():
    spec = node()["template"]["spec"]
    (container,) = spec["containers"]
    program, *arguments = container["lifecycle"]["preStop"]["exec"]["command"]
    assert program == "straddle"
    wait = arguments[arguments.index("--within") + 1]
    assert wait.endswith("s") and int(wait[:-1]) < spec["terminationGracePeriodSeconds"]
    # Nobody listens on port 1: a command line that is understood says so, one that is not shows the usage.
    address = arguments.index("127.0.0.1:7001")
    arguments[address] = "127.0.0.1:1"
    run = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60)
    assert run.returncode == 2 and "127.0.0.1:1" in run.stderr and "Usage" not in run.stderr, run.stderr
