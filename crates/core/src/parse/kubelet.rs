//! The kubelet's configuration file, as far as it decides what the kubelet watches.

use super::{lines, lossy};
use crate::model::KubeletConfig;

/// Settings that count, and so all that an archive keeps of the file.
const KEYS: [&str; 3] = ["staticPodPath", "clientCAFile", "serverTLSBootstrap"];

/// Reads a `KubeletConfiguration` in YAML, or in JSON with a setting on each line, as kubeadm and others write it
/// (<https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/>).
#[must_use]
pub fn config(bytes: &[u8]) -> KubeletConfig {
    let mut config = KubeletConfig {
        static_pods: false,
        client_ca: false,
        serving_certificate: true,
    };
    for (key, value) in lines(bytes).filter_map(setting) {
        match key.as_str() {
            "staticPodPath" => config.static_pods = !value.is_empty(),
            "clientCAFile" => config.client_ca = !value.is_empty(),
            // Then it asks the API server for certificates, and watches no file.
            _ => config.serving_certificate = value != "true",
        }
    }
    config
}

/// Only the lines that [`config`] reads.
#[must_use]
pub fn redact(bytes: &[u8]) -> Vec<u8> {
    let kept = lines(bytes).filter_map(setting);
    let kept = kept.map(|(key, value)| format!("{key}: \"{value}\"\n"));
    kept.collect::<String>().into_bytes()
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
        assert_eq!(config(KUBEADM.as_bytes()), all);
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
        assert_eq!(config(json), expected);
        let bare = KubeletConfig {
            static_pods: false,
            client_ca: false,
            serving_certificate: true,
        };
        assert_eq!(
            config(b"kind: KubeletConfiguration\n#staticPodPath: /x\n"),
            bare
        );
    }

    proptest! {
        #[test]
        fn redaction_keeps_what_is_read_and_nothing_else(text in "(\\PC|\n){0,200}") {
            for text in [text.clone(), format!("{KUBEADM}{text}")] {
                let kept = redact(text.as_bytes());
                prop_assert_eq!(config(&kept), config(text.as_bytes()));
                prop_assert!(!String::from_utf8_lossy(&kept).contains("Authorization"));
            }
        }
    }
}
