//! What a kubelet is configured for, as far as it decides what it watches: its configuration file and its command line.

use std::path::Path;

use super::cmdline::{self, arguments};
use super::{lines, lossy};
use crate::model::KubeletConfig;

/// Settings that count, and so all that an archive keeps of the file.
const KEYS: [&str; 3] = ["staticPodPath", "clientCAFile", "serverTLSBootstrap"];

/// Flags that count, and so all that an archive keeps of the command line
/// (<https://kubernetes.io/docs/reference/command-line-tools-reference/kubelet/>).
const FLAGS: [&str; 5] = [
    "config",
    "config-dir",
    "pod-manifest-path",
    "client-ca-file",
    "rotate-server-certificates",
];

/// Reads a `KubeletConfiguration` in YAML, as kubeadm and others write it, or in JSON
/// (<https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/>); `None` for JSON that is malformed.
#[must_use]
pub fn config(bytes: &[u8]) -> Option<KubeletConfig> {
    let mut config = NO_FILE;
    for (key, value) in settings(bytes)? {
        match key.as_str() {
            "staticPodPath" => config.static_pods = !value.is_empty(),
            "clientCAFile" => config.client_ca = !value.is_empty(),
            // Then it asks the API server for certificates, and watches no file.
            _ => config.serving_certificate = value != "true",
        }
    }
    Some(config)
}

/// A kubelet without a configuration file.
const NO_FILE: KubeletConfig = KubeletConfig {
    static_pods: false,
    client_ca: false,
    serving_certificate: true,
};

/// Whether a path may be a kubelet's configuration file; [`redact`] is for each such file.
#[must_use]
pub fn is_config(path: &Path) -> bool {
    let mut names = path
        .components()
        .map(|name| lossy(name.as_os_str().as_encoded_bytes()));
    names.any(|name| name.contains("kubelet"))
        && !path.components().any(|name| name.as_os_str() == "pods")
}

/// Only the settings that [`config`] reads.
#[must_use]
pub fn redact(bytes: &[u8]) -> Vec<u8> {
    let Some(kept) = settings(bytes) else {
        return b"{".to_vec();
    };
    let kept = kept.into_iter();
    let kept = kept.map(|(key, value)| format!("{key}: \"{value}\"\n"));
    kept.collect::<String>().into_bytes()
}

/// The settings of a file that count; `None` for malformed JSON.
fn settings(bytes: &[u8]) -> Option<Vec<(String, String)>> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Some(lines(bytes).filter_map(setting).collect());
    }
    let json: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    let value = |key| match key {
        "clientCAFile" => json.pointer("/authentication/x509/clientCAFile"),
        _ => json.get(key),
    };
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let found = KEYS
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), text(value(key)?))));
    // What an archive keeps is YAML, where a line break would begin another setting.
    Some(
        found
            .map(|(key, value)| (key, value.replace(['\n', '\r'], " ")))
            .collect(),
    )
}

/// `key: value`, quoted or not, with or without a comma.
fn setting(line: &[u8]) -> Option<(String, String)> {
    let line = lossy(line);
    let (key, value) = line.split_once(':')?;
    let bare = |text: &str| {
        let text = text.split(" #").next().unwrap_or_default();
        text.trim()
            .trim_end_matches(',')
            .trim_matches(['"', '\''])
            .to_owned()
    };
    let key = bare(key);
    KEYS.contains(&key.as_str()).then(|| (key, bare(value)))
}

/// What the command line of a kubelet says of its configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Its configuration file.
    pub config: Option<String>,
    /// It reads further files (`--config-dir`).
    pub config_dir: bool,
    static_pods: Option<bool>,
    client_ca: Option<bool>,
    serving_certificate: Option<bool>,
}

impl Flags {
    /// Reads /proc/PID/cmdline of a kubelet.
    #[must_use]
    pub fn parse(cmdline: &[u8]) -> Self {
        let flag = |name| flag(cmdline, name);
        let path = |name| flag(name).map(|value| !value.is_empty());
        Self {
            config: flag("config").filter(|path| !path.is_empty()),
            config_dir: path("config-dir") == Some(true),
            static_pods: path("pod-manifest-path"),
            client_ca: path("client-ca-file"),
            serving_certificate: flag("rotate-server-certificates").map(|value| value != "true"),
        }
    }

    /// What the kubelet is configured for: a flag counts before what its file says.
    #[must_use]
    pub fn apply(&self, file: Option<KubeletConfig>) -> KubeletConfig {
        let file = file.unwrap_or(NO_FILE);
        KubeletConfig {
            static_pods: self.static_pods.unwrap_or(file.static_pods),
            client_ca: self.client_ca.unwrap_or(file.client_ca),
            serving_certificate: self.serving_certificate.unwrap_or(file.serving_certificate),
        }
    }
}

fn is_kubelet(cmdline: &[u8]) -> bool {
    cmdline::name(cmdline).rsplit(|&b| b == b'/').next() == Some(b"kubelet")
}

/// [`cmdline::beginning`]; for a kubelet all of it, as its flags may be anywhere.
#[must_use]
pub fn whole_cmdline(bytes: &[u8]) -> Vec<u8> {
    if is_kubelet(bytes) {
        return bytes.to_vec();
    }
    cmdline::beginning(bytes)
}

/// [`cmdline::redact`]; for a kubelet the flags that [`Flags::parse`] reads, and no others.
#[must_use]
pub fn redact_cmdline(bytes: &[u8]) -> Vec<u8> {
    if !is_kubelet(bytes) {
        return cmdline::redact(bytes);
    }
    let mut kept = cmdline::program(bytes);
    let flags = FLAGS.into_iter();
    let flags = flags.filter_map(|name| Some((name, flag(bytes, name)?)));
    kept.extend(flags.flat_map(|(name, value)| format!("--{name}={value}\0").into_bytes()));
    kept
}

/// Value of a flag, as pflag reads them: the last one counts, and only a flag that is on or off may stand without a value.
fn flag(cmdline: &[u8], wanted: &str) -> Option<String> {
    let mut found = None;
    let mut arguments = arguments(cmdline).skip(1);
    while let Some(argument) = arguments.next() {
        let argument = lossy(argument);
        let (name, inline) = match argument.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (argument.as_str(), None),
        };
        if name.strip_prefix("--") != Some(wanted) {
            continue;
        }
        found = match inline {
            None if wanted == "rotate-server-certificates" => Some("true".to_owned()),
            None => arguments.next().map(lossy),
            inline => inline,
        };
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As kubeadm 1.36 writes it, shortened.
    const KUBEADM: &str = "\
apiVersion: kubelet.config.k8s.io/v1beta1
authentication:
  anonymous:
    enabled: false
  x509:
    clientCAFile: /etc/kubernetes/pki/ca.crt
cgroupDriver: systemd
rotateCertificates: true
staticPodPath: /etc/kubernetes/manifests
staticPodURLHeader:
  Authorization: [secret]
";

    #[test]
    fn what_it_watches_is_configured() {
        let all = KubeletConfig {
            static_pods: true,
            client_ca: true,
            serving_certificate: true,
        };
        assert_eq!(config(KUBEADM.as_bytes()), Some(all));
        let json = br#"{
  "authentication": {"x509": {
    "clientCAFile": "/ca.crt"
  }},
  "serverTLSBootstrap": true,
  "staticPodPath": ""
}"#;
        let expected = KubeletConfig {
            static_pods: false,
            client_ca: true,
            serving_certificate: false,
        };
        assert_eq!(config(json), Some(expected));
        let one_line = String::from_utf8_lossy(json).replace('\n', "");
        assert_eq!(config(one_line.as_bytes()), Some(expected));
        assert_eq!(config(br#"{"staticPodPath": "/x", "#), None);
        let bare = KubeletConfig {
            static_pods: false,
            client_ca: false,
            serving_certificate: true,
        };
        assert_eq!(
            config(b"kind: KubeletConfiguration\n#staticPodPath: /x\n"),
            Some(bare)
        );
    }

    #[test]
    fn a_flag_counts_before_the_file() {
        let flags = |line: &str| Flags::parse(line.replace(' ', "\0").as_bytes());
        let file = config(KUBEADM.as_bytes());
        assert_eq!(Some(flags("kubelet --config=/x --v=2").apply(file)), file);
        assert_eq!(
            flags("kubelet --config /a --config=/b").config.as_deref(),
            Some("/b")
        );
        assert!(flags("kubelet --config-dir /etc/kubelet.d").config_dir);
        let changed =
            flags("kubelet --pod-manifest-path= --rotate-server-certificates --v 2").apply(file);
        let expected = KubeletConfig {
            static_pods: false,
            client_ca: true,
            serving_certificate: false,
        };
        assert_eq!(changed, expected);
        assert_eq!(
            flags("kubelet --client-ca-file /ca.crt").apply(None),
            KubeletConfig {
                client_ca: true,
                ..NO_FILE
            }
        );
    }

    #[test]
    fn a_configuration_file_by_its_path() {
        let is = |path: &str| is_config(Path::new(path));
        assert!(is("var/lib/kubelet/config.yaml"));
        assert!(is("etc/kubernetes/kubelet/kubelet-config.json"));
        assert!(is("home/kubernetes/kubelet-config.yaml"));
        assert!(!is(
            "run/containerd/io.containerd.runtime.v2.task/k8s.io/1/config.json"
        ));
        assert!(!is("etc/shadow"));
    }

    proptest! {
        #[test]
        fn redaction_keeps_the_flags(text in "(kubelet )?(--(config|config-dir|pod-manifest-path|client-ca-file|rotate-server-certificates|v|token)[ =]?(true|/x|)? ?){0,6}") {
            let line = text.replace(' ', "\0").into_bytes();
            let kept = redact_cmdline(&[b"kubelet\0".as_slice(), &line].concat());
            prop_assert_eq!(Flags::parse(&kept), Flags::parse(&[b"kubelet\0".as_slice(), &line].concat()));
        }

        #[test]
        fn redaction_keeps_what_is_read_and_nothing_else(text in "(\\PC|\n){0,200}") {
            for text in [text.clone(), format!("{KUBEADM}{text}")] {
                let kept = redact(text.as_bytes());
                prop_assert_eq!(config(&kept), config(text.as_bytes()));
                prop_assert_eq!(redact(&kept), kept.clone());
                prop_assert!(!String::from_utf8_lossy(&kept).contains("Authorization"));
            }
        }
    }
}
