"""Judges the documents that run.sh made, one function a format. Fails on one that it does not know."""

import configparser
import email
import json
import os
import subprocess
import sys
import tempfile
import tomllib
import urllib.parse
from pathlib import Path

import jinja2
import jsonschema
import kubernetes_validate
import yaml

INSTANCES, WATCHES = "fs.inotify.max_user_instances", "fs.inotify.max_user_watches"
SMALL = {INSTANCES: 8192, WATCHES: 1048576}
ALL = SMALL | {"fs.mount-max": 200000, "kernel.pty.max": 8192}
DROP_IN = "/etc/sysctl.d/99-zz-nospace.conf"


def drop_in(text):
    """The settings of sysctl.d(5)."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    pairs = [line.split("=") for line in lines]
    return {key.strip(): int(value) for key, value in pairs}


def data_url(url):
    assert url.startswith("data:,"), url
    return urllib.parse.unquote(url.removeprefix("data:,"))


def only_file(config):
    [file] = config["storage"]["files"]
    assert file["path"] == DROP_IN
    return file


def schema_of(path):
    return json.loads(Path(path).read_text())


def script(text):
    """The settings that a shell script writes; bash reads it, too."""
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    head, rest = text.split("<<'END'\n")
    body, tail = rest.split("\nEND\n")
    assert head.rstrip().endswith(f"cat >{DROP_IN}") and tail.startswith(f"sysctl -p {DROP_IN}")
    return drop_in(body)


def mime(text):
    message = email.message_from_string(text)
    assert message.is_multipart() and not message.defects, message.defects
    [part] = message.get_payload()
    assert part.get_content_type() == "text/x-shellscript" and not part.defects
    assert part.get_payload().startswith("#!/bin/bash\n")
    return script(part.get_payload())


def ansible(text):
    # ansible-playbook --syntax-check has read it.
    [play] = yaml.safe_load(text)
    now, keep = play["tasks"]
    keys = now["ansible.builtin.command"].removeprefix("sysctl -n ").split()
    template = jinja2.Template(keep["ansible.builtin.copy"]["content"])

    def on_a_node_with(value):
        return drop_in(template.render(now={"stdout_lines": [str(value)] * len(keys)}))

    more = 2**40
    assert on_a_node_with(more) == dict.fromkeys(keys, more), "a node with more does not keep it"
    return on_a_node_with(1)


def bottlerocket(text):
    values = tomllib.loads(text)["settings"]["kernel"]["sysctl"]
    assert all(isinstance(value, str) for value in values.values())
    return {key: int(value) for key, value in values.items()}


def butane(text):
    config = yaml.safe_load(text)
    assert (config["variant"], config["version"]) == ("fcos", "1.5.0")
    file = only_file(config)
    assert set(file) == {"path", "contents"} and set(file["contents"]) == {"inline"}
    return drop_in(file["contents"]["inline"])


def cloud_init(text):
    assert text.startswith("#cloud-config\n")
    config = yaml.safe_load(text)
    jsonschema.validate(config, schema_of(os.environ["CLOUD_INIT"]))
    assert config["runcmd"] == ["sysctl --system"]
    [file] = config["write_files"]
    assert file["path"] == DROP_IN
    return drop_in(file["content"])


def eksctl(text):
    group = yaml.safe_load(text)
    config = {
        "apiVersion": "eksctl.io/v1alpha5",
        "kind": "ClusterConfig",
        "metadata": {"name": "c", "region": "eu-west-1"},
        "managedNodeGroups": [{"name": "g", **group}],
        "nodeGroups": [{"name": "h", **group}],
    }
    jsonschema.validate(config, schema_of(os.environ["EKSCTL"]))
    [command] = group["preBootstrapCommands"]
    return script(command)


def karpenter(text):
    patch = yaml.safe_load(text)
    [crd] = yaml.safe_load_all(Path(os.environ["KARPENTER"]).read_text())
    version = next(v for v in crd["spec"]["versions"] if v["name"] == "v1")
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
    assert set(patch) == {"spec"} and set(patch["spec"]) == {"userData"}
    jsonschema.validate(patch["spec"]["userData"], spec["userData"])
    return mime(patch["spec"]["userData"])


def gke(text):
    config = yaml.safe_load(text)
    values = config["linuxConfig"]["sysctl"]
    assert all(isinstance(value, str) for value in values.values())
    return {key: int(value) for key, value in values.items()}


def aks(text):
    names = {"fsInotifyMaxUserWatches": WATCHES}
    return {names[name]: value for name, value in json.loads(text)["sysctls"].items()}


def ignition(text):
    # ignition-validate has read it.
    return drop_in(data_url(only_file(json.loads(text))["contents"]["source"]))


def machineconfig(text):
    resource = yaml.safe_load(text)
    assert resource["apiVersion"] == "machineconfiguration.openshift.io/v1"
    assert resource["metadata"]["labels"] == {"machineconfiguration.openshift.io/role": "worker"}
    with tempfile.NamedTemporaryFile("w", suffix=".ign") as file:
        json.dump(resource["spec"]["config"], file)
        file.flush()
        subprocess.run([os.environ["IGNITION"], file.name], check=True)
    return drop_in(data_url(only_file(resource["spec"]["config"])["contents"]["source"]))


def tuned(text):
    profile = configparser.ConfigParser(delimiters=["="], comment_prefixes=["#"])
    profile.optionxform = str
    profile.read_string(text)
    assert profile["main"]
    values = dict(profile["sysctl"])
    assert all(value.startswith(">") for value in values.values()), values
    return {key: int(value.removeprefix(">")) for key, value in values.items()}


def openshift(text):
    resource = yaml.safe_load(text)
    assert (resource["apiVersion"], resource["kind"]) == ("tuned.openshift.io/v1", "Tuned")
    [profile] = resource["spec"]["profile"]
    assert [profile["name"]] == [one["profile"] for one in resource["spec"]["recommend"]]
    return tuned(profile["data"])


def talos(text):
    config = yaml.safe_load(text)
    values = config["machine"]["sysctls"]
    assert all(isinstance(value, str) for value in values.values())
    return {key: int(value) for key, value in values.items()}


def nixos(text):
    # nix-instantiate has evaluated it, comments and all.
    return json.loads((WORK / "nixos.value").read_text())["boot"]["kernel"]["sysctl"]


def kubernetes(text):
    resource = yaml.safe_load(text)
    kubernetes_validate.validate(resource, "1.34", strict=True)
    [container] = resource["spec"]["template"]["spec"]["initContainers"]
    [shell] = container["args"]
    subprocess.run(["sh", "-n"], input=shell, text=True, check=True)
    values = [line.split("|| echo ")[1].split(" > /proc/sys/") for line in shell.splitlines()]
    return {path.replace("/", "."): int(value) for value, path in values}


NODE = dict.fromkeys(["systemd", "k3s", "kind", "minikube"], drop_in)
CLOUD = {"eks": mime, "gke": gke, "aks": aks, "cloud-init": cloud_init, "auto": drop_in}
JUDGES = NODE | CLOUD | {
    judge.__name__: judge
    for judge in [
        ansible,
        bottlerocket,
        butane,
        eksctl,
        ignition,
        karpenter,
        kubernetes,
        machineconfig,
        nixos,
        openshift,
        talos,
        tuned,
    ]
}
WANTED = {"gke": SMALL, "aks": {WATCHES: 1048576}, "auto": SMALL}

WORK = Path(sys.argv[1])
schema = schema_of(os.environ["SCHEMA"])
for name in sys.argv[2:]:
    text = (WORK / name).read_text()
    said = text + (WORK / f"{name}.err").read_text()
    got = JUDGES[name](text)
    wanted = WANTED.get(name, ALL)
    assert got == wanted, f"{name}: {got} instead of {wanted}"
    assert "Place: " in said and "Undo: " in said, f"{name} does not say how to undo it"
    document = json.loads((WORK / f"{name}.json").read_text())
    jsonschema.validate(document, schema)
    keys = {one["key"] for one in document["settings"] + document["omitted"]}
    assert keys == set(SMALL), f"{name}: {keys}"
print(f"formats: {len(sys.argv) - 2} documents are right")
