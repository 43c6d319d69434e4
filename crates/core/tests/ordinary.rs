//! A million lines in which nothing is refused: the scanner says nothing, whatever words they have.
//!
//! The templates are what kubelet, containerd, systemd and others, nginx, PostgreSQL and Java programs print in ordinary
//! operation, and the same of German and Chinese systems; numbers, names and paths change from line to line.
#![allow(
    clippy::disallowed_macros,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests print their figures, and end when they cannot go on"
)]

use std::fmt::Write as _;

use nospace_core::explain::{Classifier, Hit, Scanner};
use nospace_core::signatures::Table;

const LINES: usize = 1_000_000;

/// `{n}` a number, `{ip}` an address, `{hex}` an id, `{path}` a path, `{pod}` a pod, `{w}` a word, `{ms}` a time.
const ENGLISH: &[&str] = &[
    // kubelet
    "I1121 00:{n}:33.{n}   29684 kubelet.go:2050] \"SyncLoop (PLEG): event for pod\" pod=\"{pod}\" event=&{ID:{hex} Type:ContainerStarted Data:{hex}}",
    "I1121 00:09:33.751142   29684 flags.go:59] FLAG: --{w}-{w}=\"false\"",
    "I1121 00:09:{n}.1   29684 reconciler.go:225] operationExecutor.VerifyControllerAttachedVolume started for volume \"{w}\" (UniqueName: \"kubernetes.io/secret/{hex}-{w}\") pod \"{w}\" (UID: \"{hex}\")",
    "W1121 00:09:{n}.2   29684 manager.go:1159] Failed to process watch event {EventType:0 Name:/kubepods/besteffort/pod{hex} WatchSource:0}: error while reading: open {path}: no such file or directory",
    "E1121 00:09:{n}.3   29684 pod_workers.go:191] \"Error syncing pod, skipping\" err=\"failed to \\\"StartContainer\\\" for \\\"{w}\\\" with CrashLoopBackOff: \\\"back-off {n}s restarting failed container\\\"\" pod=\"{pod}\"",
    "I1121 00:09:{n}.4   29684 eviction_manager.go:269] eviction manager: synchronize housekeeping, available {n}Mi of {n}Mi",
    "I1121 00:09:{n}.5   29684 image_gc_manager.go:310] [imageGCManager]: Disk usage on image filesystem is at {n}% which is over the high threshold (85%). Trying to free {n} bytes down to the low threshold (80%)",
    "E1121 00:09:{n}.6   29684 remote_runtime.go:394] \"Exec probe\" err=\"rpc error: code = DeadlineExceeded desc = context deadline exceeded\" containerID=\"{hex}\"",
    "I1121 00:09:{n}.7   29684 watcher.go:152] notify: {n} watches on {path}, {n} instances",
    // containerd
    "time=\"2026-11-21T00:14:06.{n}Z\" level=info msg=\"StartContainer for \\\"{hex}\\\" returns successfully\"",
    "time=\"2026-11-21T00:14:06.{n}Z\" level=info msg=\"shim disconnected\" id={hex} namespace=k8s.io",
    "time=\"2026-11-21T00:14:06.{n}Z\" level=warning msg=\"cleanup warnings time=\\\"2026-11-21T00:14:06Z\\\" level=info msg=\\\"starting signal loop\\\" namespace=k8s.io pid={n}\"",
    "time=\"2026-11-21T00:14:06.{n}Z\" level=error msg=\"ContainerStatus for \\\"{hex}\\\" failed\" error=\"rpc error: code = NotFound desc = an error occurred when try to find container \\\"{hex}\\\": not found\"",
    "time=\"2026-11-21T00:14:06.{n}Z\" level=info msg=\"ImageUpdate event &ImageUpdate{Name:registry.example.com/{w}/{w}:{n},Labels:map[string]string{io.cri-containerd.image: managed,},}\"",
    "time=\"2026-11-21T00:14:06.{n}Z\" level=info msg=\"Start cni network conf syncer for {w}\"",
    // syslog
    "Nov 21 00:{n}:01 node1 systemd[1]: Started Session {n} of user {w}.",
    "Nov 21 00:{n}:01 node1 systemd[1]: {w}.service: Deactivated successfully.",
    "Nov 21 00:{n}:01 node1 systemd[1]: {w}.service: Consumed {ms} CPU time.",
    "Nov 21 00:{n}:01 node1 sshd[{n}]: Accepted publickey for {w} from {ip} port {n} ssh2: ED25519 SHA256:{hex}",
    "Nov 21 00:{n}:01 node1 sshd[{n}]: error: kex_exchange_identification: Connection closed by remote host",
    "Nov 21 00:{n}:01 node1 kernel: [{n}.{n}] IPv6: ADDRCONF(NETDEV_CHANGE): veth{hex}: link becomes ready",
    "Nov 21 00:{n}:01 node1 kernel: [{n}.{n}] EXT4-fs (dm-{n}): mounted filesystem with ordered data mode. Quota mode: none.",
    "Nov 21 00:{n}:01 node1 kernel: [{n}.{n}] {w}[{n}]: segfault at 0 ip {hex} sp {hex} error 4 in libc.so.6",
    "Nov 21 00:{n}:01 node1 CRON[{n}]: (root) CMD (test -x {path} && {path} --{w})",
    "Nov 21 00:{n}:01 node1 dbus-daemon[{n}]: [system] Successfully activated service 'org.freedesktop.{w}'",
    "Nov 21 00:{n}:01 node1 NetworkManager[{n}]: <info>  [{n}.{n}] device (eth{n}): state change: ip-config -> ip-check (reason 'none')",
    "Nov 21 00:{n}:01 node1 postfix/smtpd[{n}]: NOQUEUE: reject: RCPT from unknown[{ip}]: 552 5.2.2 {w}: mailbox full, quota of {n} messages",
    "Nov 21 00:{n}:01 node1 rsyslogd: -- MARK --",
    "Nov 21 00:{n}:01 node1 smartd[{n}]: Device: /dev/sd{w}, SMART Usage Attribute: 194 Temperature changed from {n} to {n}",
    "Nov 21 00:{n}:01 node1 systemd-resolved[{n}]: Using degraded feature set UDP instead of TCP for DNS server {ip}.",
    // nginx
    "{ip} - - [21/Nov/2026:00:00:01 +0000] \"GET {path}?q={w} HTTP/1.1\" 200 {n} \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"",
    "{ip} - {w} [21/Nov/2026:00:00:01 +0000] \"POST {path} HTTP/2.0\" 404 {n} \"https://example.com/{w}\" \"curl/7.88.1\"",
    "2026/11/21 00:00:01 [error] {n}#{n}: *{n} open() \"{path}\" failed (2: No such file or directory), client: {ip}, server: example.com",
    "2026/11/21 00:00:01 [warn] {n}#{n}: *{n} an upstream response is buffered to a temporary file {path} while reading upstream",
    "2026/11/21 00:00:01 [error] {n}#{n}: *{n} connect() failed (111: Connection refused) while connecting to upstream, upstream: \"http://{ip}:{n}{path}\"",
    "2026/11/21 00:00:01 [notice] {n}#{n}: signal process started, {n} worker connections, {n} open files",
    "2026/11/21 00:00:01 [error] {n}#{n}: *{n} limiting requests, excess: {n}.{n} by zone \"{w}\", client: {ip}",
    // PostgreSQL
    "2026-11-21 00:00:01.{n} UTC [{n}] LOG:  checkpoint complete: wrote {n} buffers (0.{n}%); 0 WAL file(s) added, 0 removed, {n} recycled; write={ms} s, sync={ms} s",
    "2026-11-21 00:00:01.{n} UTC [{n}] LOG:  duration: {ms} ms  statement: SELECT * FROM {w} WHERE id = {n}",
    "2026-11-21 00:00:01.{n} UTC [{n}] ERROR:  duplicate key value violates unique constraint \"{w}_pkey\"",
    "2026-11-21 00:00:01.{n} UTC [{n}] FATAL:  sorry, too many clients already",
    "2026-11-21 00:00:01.{n} UTC [{n}] LOG:  automatic vacuum of table \"{w}.public.{w}\": index scans: {n}, pages: {n} removed, {n} remain",
    "2026-11-21 00:00:01.{n} UTC [{n}] LOG:  could not receive data from client: Connection reset by peer",
    // Java
    "2026-11-21 00:00:01,{n} INFO  [main] org.example.{w}.Application - Started Application in {ms} seconds (process running for {n})",
    "2026-11-21 00:00:01.{n}  WARN {n} --- [nio-8080-exec-{n}] o.s.w.s.m.s.DefaultHandlerExceptionResolver : Resolved [HttpRequestMethodNotSupportedException: Request method '{w}' is not supported]",
    "java.net.SocketException: Connection reset by peer (errno 104)",
    "\tat org.apache.tomcat.util.net.NioEndpoint$SocketProcessor.doRun(NioEndpoint.java:{n})",
    "[2026-11-21T00:00:01,{n}][INFO ][o.e.c.r.a.DiskThresholdMonitor] [{w}] low disk watermark [85%] exceeded on [{hex}][{w}][{path}] free: {n}gb[{n}%], replicas will not be assigned to this node",
    "[{n}.{n}s][info][gc] GC({n}) Pause Young (Normal) (G1 Evacuation Pause) {n}M->{n}M({n}M) {ms}ms",
    "2026-11-21 00:00:01,{n} ERROR [{w}] kafka.server.KafkaApis - Error when handling request: clientId={w}, correlationId={n}, api=FETCH",
    // Words of refusals where nothing is refused.
    "level=info msg=\"limits\" open_files={n} max_user_watches={n} max_user_instances={n} pids={n}",
    "INFO: inotify watch added for {path} ({n} of {n})",
    "DEBUG: no space between {w} and {w}, {n} left on the device list",
    "warn: retry {n}: resource {w} is temporarily not there",
    "quota of user {w}: {n} of {n} MiB used, not exceeded",
    "level=debug msg=\"map is {n} % full\" map=cilium_{w}",
];

const GERMAN: &[&str] = &[
    "Nov 21 00:{n}:01 node1 systemd[1]: Sitzung {n} des Benutzers {w} gestartet.",
    "Nov 21 00:{n}:01 node1 kernel: [{n}.{n}] Gerät eth{n}: Verbindung hergestellt",
    "2026-11-21 00:00:01.{n} CET [{n}] LOG:  Checkpoint komplett: {n} Puffer geschrieben; Schreiben={ms} s",
    "2026-11-21 00:00:01.{n} CET [{n}] FEHLER:  doppelter Schlüsselwert verletzt Unique-Constraint »{w}_pkey«",
    "2026-11-21 00:00:01.{n} CET [{n}] FATAL:  Passwort-Authentifizierung für Benutzer »{w}« fehlgeschlagen",
    "{path}: Datei oder Verzeichnis nicht gefunden",
    "cp: Aufruf von stat für '{path}' nicht möglich: Datei oder Verzeichnis nicht gefunden",
    "Fehler: Verbindung zu {ip} Port {n} wurde abgelehnt",
    "Hinweis: {n} Dateien offen, genügend Platz auf dem Gerät ({n} GB verfügbar)",
    "Warnung: Plattenplatz zu {n} % belegt, Quota nicht überschritten",
];

const CHINESE: &[&str] = &[
    "2026-11-21 00:00:01.{n} CST [{n}] 日志:  检查点完成: 写入 {n} 个缓冲区",
    "2026-11-21 00:00:01.{n} CST [{n}] 错误:  重复键违反唯一约束\"{w}_pkey\"",
    "11月 21 00:{n}:01 node1 systemd[1]: 已启动 用户 {w} 的会话 {n}。",
    "{path}: 没有那个文件或目录",
    "错误: 无法连接到 {ip}:{n}: 连接被拒绝",
    "信息: 已打开 {n} 个文件, 磁盘剩余空间 {n} GB",
    "警告: 内存使用率 {n}%",
    "[INFO] 服务 {w} 启动成功, 耗时 {ms} 毫秒",
    "严重: 端口 {n} 被占用",
];

const WORDS: &[&str] = &[
    "web",
    "notify",
    "watch",
    "space",
    "left",
    "device",
    "many",
    "open",
    "files",
    "limit",
    "full",
    "quota",
    "thread",
    "map",
    "shared",
    "memory",
    "alloc",
    "avail",
    "monitor",
    "inotify-sync",
    "exceeded",
    "pool",
    "pages",
    "verifier",
    "error",
    "pty",
    "locked",
    "overflow",
    "reached",
    "low",
    "table",
    "cgroup",
    "mount",
    "mirror",
    "request",
    "elements",
    "address",
];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.below(list.len() as u64)).unwrap();
        list[at]
    }

    /// `template` with its places filled.
    fn fill(&mut self, template: &str, out: &mut String) {
        let mut rest = template;
        while let Some(start) = rest.find('{') {
            out.push_str(&rest[..start]);
            rest = &rest[start..];
            let name = rest.find('}').map_or("", |end| &rest[1..end]);
            let known = match name {
                "n" => write!(out, "{}", self.below(100_000)),
                "ms" => write!(out, "{}.{}", self.below(1_000), self.below(1_000)),
                "ip" => write!(
                    out,
                    "10.{}.{}.{}",
                    self.below(256),
                    self.below(256),
                    self.below(256)
                ),
                "hex" => write!(out, "{:016x}", self.next()),
                "w" => write!(out, "{}", self.of(WORDS)),
                "pod" => write!(
                    out,
                    "{}/{}-{:05x}",
                    self.of(WORDS),
                    self.of(WORDS),
                    self.below(1 << 20)
                ),
                "path" => write!(
                    out,
                    "/var/lib/{}/{}/{:x}.{}",
                    self.of(WORDS),
                    self.of(WORDS),
                    self.next(),
                    self.of(WORDS)
                ),
                _ => {
                    out.push('{');
                    rest = &rest[1..];
                    continue;
                }
            };
            known.unwrap();
            rest = &rest[name.len() + 2..];
        }
        out.push_str(rest);
        out.push('\n');
    }
}

/// What a scanner says of `count` lines of these templates.
fn said(templates: &[&str], count: usize) -> Vec<Hit> {
    let classifier = Classifier::new(Table::builtin().unwrap()).unwrap();
    let mut scanner = Scanner::new(&classifier);
    let mut random = Random(22);
    let mut hits = Vec::new();
    let mut text = String::new();
    for number in 0..count {
        random.fill(templates[number % templates.len()], &mut text);
        if text.len() > 1 << 16 || number + 1 == count {
            scanner.push(text.as_bytes(), &mut |hit| hits.push(hit));
            text.clear();
        }
    }
    scanner.finish(&mut |hit| hits.push(hit));
    assert_eq!(scanner.stats().lines, count as u64);
    hits
}

fn silent(templates: &[&str], count: usize) {
    let hits = said(templates, count);
    for hit in hits.iter().take(10) {
        println!("{}: {}", hit.meaning.cause, hit.text);
    }
    assert!(hits.is_empty(), "{} of {count} lines", hits.len());
}

#[test]
fn a_million_ordinary_lines_are_silent() {
    silent(ENGLISH, LINES);
}

#[test]
fn german_and_chinese_logs_without_refusals_are_silent() {
    silent(GERMAN, LINES / 10);
    silent(CHINESE, LINES / 10);
}

#[test]
fn one_refusal_among_them_is_found() {
    for (templates, line) in [
        (
            GERMAN,
            "cp: Fehler beim Schreiben von '/srv/a': Auf dem Gerät ist kein Speicherplatz mehr verfügbar",
        ),
        (CHINESE, "cp: 写入'/srv/a'时出错: 设备上没有空间"),
        (
            ENGLISH,
            "tail: inotify cannot be used, reverting to polling: Too many open files",
        ),
    ] {
        let mut all = templates.to_vec();
        all.push(line);
        assert_eq!(said(&all, all.len()).len(), 1, "{line}");
    }
}
