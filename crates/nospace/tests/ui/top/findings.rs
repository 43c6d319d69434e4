//! Findings can be scrolled, so nothing of them is left out or cut.

use super::{LOOK, drawn, lines, press, samples, still};

#[test]
fn every_victim_and_every_command_is_whole() {
    let mut report = samples::watches_exhausted();
    let finding = &mut report.findings[0];
    finding.victims = (0..12).map(|n| format!("victim-{n}")).collect();
    let command = "printf 'fs.inotify.max_user_watches = 524288' > /etc/sysctl.d/99-".to_owned();
    finding.remedies[0].command = command + &"z".repeat(100) + "END";
    let command = finding.remedies[0].command.clone();
    let mut state = still(report);
    press(&mut state, "4");
    for width in [60, 80, 120] {
        let shown = lines(&drawn(&mut state, width, 200, LOOK));
        let all = shown.join("\n");
        assert!(all.contains("victim-11") && !all.contains("(-v)"), "{all}");
        // A blank at the end of a line is not seen.
        let words = |text: &str| text.replace([' ', '\n'], "");
        assert!(words(&all).contains(&words(&command)), "{width}: {all}");
    }
}
