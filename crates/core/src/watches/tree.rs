use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use foldhash::fast::RandomState;

/// Directories by what they cost: watches added up along shared prefixes.
#[derive(Clone, Debug)]
pub struct Tree<'p> {
    nodes: Vec<Node<'p>>,
}

#[derive(Clone, Debug)]
struct Node<'p> {
    /// From the beginning; empty for the top, which no path names.
    path: &'p str,
    /// On it and below it.
    watches: u64,
    children: Vec<usize>,
}

/// A line of a folded tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Branch<'p> {
    /// How many lines above it lead to it.
    pub depth: usize,
    /// Whole path; that of the directory where this stands for the rest of it.
    pub path: &'p str,
    /// What of `path` the line above does not say yet.
    pub label: &'p str,
    /// Watches on it and below it.
    pub watches: u64,
    /// How many entries of the directory are added up here, none of them worth a line; 0 for a line of its own.
    pub others: usize,
    /// Direct entries below that have no line.
    pub folded: usize,
}

impl<'p> Tree<'p> {
    /// Adds up paths with the watches on each; a leading `/` is a directory of its own. Empty paths are left out.
    pub fn new(paths: impl IntoIterator<Item = (&'p str, u64)>) -> Self {
        let mut nodes = vec![Node::new("")];
        let mut children: HashMap<(usize, &str), usize, RandomState> = HashMap::default();
        // Neighbours share most of their way: the nodes on the last one, and where the part of each ended.
        let mut way: Vec<(usize, usize)> = vec![(0, 0)];
        let mut last = "";
        for (path, watches) in paths.into_iter().filter(|(path, _)| !path.is_empty()) {
            nodes[0].watches += watches;
            let mut shared = shared(last, path);
            last = path;
            for (depth, (start, end)) in (1..).zip(parts(path)) {
                if let Some(&(node, _)) = way
                    .get(depth)
                    .filter(|(_, ended)| *ended == end && end <= shared)
                {
                    nodes[node].watches += watches;
                    continue;
                }
                shared = 0;
                way.truncate(depth);
                let parent = way[depth - 1].0;
                let node = *children
                    .entry((parent, &path[start..end]))
                    .or_insert_with(|| {
                        nodes.push(Node::new(&path[..end]));
                        let node = nodes.len() - 1;
                        nodes[parent].children.push(node);
                        node
                    });
                nodes[node].watches += watches;
                way.push((node, end));
            }
        }
        let by_cost: Vec<_> = nodes.iter().map(|n| (Reverse(n.watches), n.path)).collect();
        for node in &mut nodes {
            node.children.sort_by_key(|&child| by_cost[child]);
        }
        Self { nodes }
    }

    /// Watches in all.
    #[must_use]
    pub fn watches(&self) -> u64 {
        self.nodes[0].watches
    }

    /// The tree in at most `most` lines or little more: the heaviest directories are opened first, and entries below 1 % are
    /// folded.
    #[must_use]
    pub fn folded(&self, most: usize) -> Vec<Branch<'p>> {
        let top = self.chain(0);
        let mut open = vec![0; self.nodes.len()];
        let mut lines = usize::from(!self.nodes[top].path.is_empty());
        let mut heap = BinaryHeap::from([(self.nodes[top].watches, Reverse(top))]);
        while let Some((_, Reverse(node))) = heap.pop() {
            let room = most.saturating_sub(lines);
            let worthy = self.worthy(node, self.watches().div_ceil(100).max(2));
            let all = self.nodes[node].children.len();
            // Where not all fit, one line is for the others.
            let shown = if all <= room {
                worthy
            } else {
                worthy.min(room.saturating_sub(1))
            };
            open[node] = shown;
            if shown > 0 {
                lines += shown + usize::from(shown < all);
            }
            for &child in &self.nodes[node].children[..shown] {
                let child = self.chain(child);
                heap.push((self.nodes[child].watches, Reverse(child)));
            }
        }
        let mut branches = Vec::new();
        self.draw(top, 0, "", &open, &mut branches);
        branches
    }

    /// The fewest directories, at most `most`, that hold `percent` of the watches, as deep as that allows; the heaviest
    /// first.
    #[must_use]
    pub fn heaviest(&self, percent: u64, most: usize) -> Vec<(&'p str, u64)> {
        let wanted = (self.watches() * percent).div_ceil(100);
        let mut chosen = vec![self.chain(0)];
        while let Some(deeper) = self.deeper(&chosen, wanted, most) {
            chosen = deeper;
        }
        chosen.retain(|&node| self.nodes[node].watches > 0);
        let uses = chosen.iter().map(|&node| &self.nodes[node]);
        uses.map(|node| (node.path, node.watches)).collect()
    }

    /// `chosen` with one of them replaced by what it holds, if that still holds enough.
    fn deeper(&self, chosen: &[usize], wanted: u64, most: usize) -> Option<Vec<usize>> {
        (0..chosen.len()).find_map(|at| {
            let inner = self.nodes[chosen[at]].children.iter().take(most);
            let mut next: Vec<usize> = chosen.to_vec();
            next.remove(at);
            next.extend(inner.map(|&child| self.chain(child)));
            next.sort_by_key(|&node| (Reverse(self.nodes[node].watches), self.nodes[node].path));
            let mut held = 0;
            let enough = next.iter().position(|&node| {
                held += self.nodes[node].watches;
                held >= wanted
            })?;
            next.truncate(enough + 1);
            (next.len() <= most && next != chosen).then_some(next)
        })
    }

    /// How many children hold at least `least`.
    fn worthy(&self, node: usize, least: u64) -> usize {
        let children = &self.nodes[node].children;
        children.partition_point(|&child| self.nodes[child].watches >= least)
    }

    /// The deepest directory that all watches of `node` are below.
    fn chain(&self, mut node: usize) -> usize {
        while let [only] = self.nodes[node].children[..] {
            if self.nodes[only].watches < self.nodes[node].watches {
                break;
            }
            node = only;
        }
        node
    }

    fn draw(
        &self,
        at: usize,
        depth: usize,
        above: &str,
        open: &[usize],
        into: &mut Vec<Branch<'p>>,
    ) {
        let node = &self.nodes[at];
        let label = node.path.strip_prefix(above).unwrap_or(node.path);
        let shown = open[at];
        let rest = &node.children[shown..];
        // The top names nothing, so it is no line.
        let named = !node.path.is_empty();
        if named {
            into.push(Branch {
                depth,
                path: node.path,
                label: if above.is_empty() {
                    label
                } else {
                    label.trim_start_matches('/')
                },
                watches: node.watches,
                others: 0,
                folded: if shown == 0 { rest.len() } else { 0 },
            });
        }
        let depth = depth + usize::from(named);
        for &child in &node.children[..shown] {
            self.draw(self.chain(child), depth, node.path, open, into);
        }
        if (shown > 0 || !named) && !rest.is_empty() {
            into.push(Branch {
                depth,
                path: node.path,
                label: "",
                watches: rest.iter().map(|&child| self.nodes[child].watches).sum(),
                others: rest.len(),
                folded: 0,
            });
        }
    }
}

impl<'p> Node<'p> {
    fn new(path: &'p str) -> Self {
        Self {
            path,
            watches: 0,
            children: Vec::new(),
        }
    }
}

/// How many bytes two paths have in common, up to the end of a part in both.
fn shared(one: &str, other: &str) -> usize {
    let pairs = one.bytes().zip(other.bytes());
    let same = pairs.take_while(|(one, other)| one == other).count();
    let ends = |path: &str| path.len() == same || path.as_bytes()[same] == b'/';
    if ends(one) && ends(other) {
        return same;
    }
    one.as_bytes()[..same]
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or(0, |slash| slash.max(1))
}

/// Where each part of a path lies: `/` first, if it begins so, then what is between slashes.
fn parts(path: &str) -> impl Iterator<Item = (usize, usize)> {
    let slash = path.starts_with('/').then_some((0, 1));
    let mut start = 0;
    let named = path.split('/').map(move |part| {
        let place = (start, start + part.len());
        start = place.1 + 1;
        place
    });
    slash
        .into_iter()
        .chain(named.filter(|(start, end)| start < end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Vec<String> {
        let logs = (0..90).map(|n| format!("/var/log/pods/p{}/{n}.log", n % 2));
        let etc = (0..6).map(|n| format!("/etc/conf/{n}"));
        let odd = ["/", "/var", "/home/me/x", "[0:45]/a"].map(str::to_owned);
        logs.chain(etc).chain(odd).collect()
    }

    fn drawn(paths: &[String], most: usize) -> Vec<String> {
        let tree = Tree::new(paths.iter().map(|path| (path.as_str(), 1)));
        let lines = tree.folded(most);
        let line = |b: &Branch| {
            let what = if b.others > 0 {
                format!("{} others", b.others)
            } else {
                b.label.to_owned()
            };
            let folded = if b.folded > 0 {
                format!(" ({})", b.folded)
            } else {
                String::new()
            };
            format!("{}{what} {}{folded}", " ".repeat(b.depth), b.watches)
        };
        lines.iter().map(line).collect()
    }

    #[test]
    fn shared_prefixes_are_folded() {
        assert_eq!(
            drawn(&sample(), 20),
            [
                "/ 99",
                " var 91",
                "  log/pods 90",
                "   p0 45 (45)",
                "   p1 45 (45)",
                " etc/conf 6 (6)",
                " 1 others 1",
                "1 others 1",
            ]
        );
    }

    #[test]
    fn few_lines_are_for_what_costs_most() {
        assert_eq!(
            drawn(&sample(), 4),
            ["/ 99", " var 91 (1)", " 2 others 7", "1 others 1"]
        );
        assert_eq!(drawn(&[], 10), Vec::<String>::new());
        assert_eq!(drawn(&["/a/b".to_owned()], 10), ["/a/b 1"]);
    }

    #[test]
    fn ninety_percent_are_named_in_few_words() {
        let heaviest = |paths: &[&str]| {
            Tree::new(paths.iter().map(|path| (*path, 1)))
                .heaviest(90, 3)
                .iter()
                .map(|(path, n)| format!("{path} {n}"))
                .collect::<Vec<_>>()
        };
        let paths = sample();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        assert_eq!(
            heaviest(&paths),
            ["/var/log/pods/p0 45", "/var/log/pods/p1 45"]
        );
        assert_eq!(
            heaviest(&["/a/x", "/a/y", "/a/z", "/b/p", "/b/q", "/b/r"]),
            ["/a 3", "/b 3"]
        );
        assert_eq!(heaviest(&["/a/1", "/b/2", "/c/3", "/d/4"]), ["/ 4"]);
        assert_eq!(heaviest(&["/etc/passwd"]), ["/etc/passwd 1"]);
        assert_eq!(heaviest(&[]), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn lines_add_up(paths in prop::collection::vec("(/|\\[0:4\\])?([ab]{1,2}/){0,4}[a-c]?", 1..60), most in 0_usize..30) {
            let tree = Tree::new(paths.iter().map(|path| (path.as_str(), 1)));
            let lines = tree.folded(most);
            let tops: u64 = lines.iter().filter(|b| b.depth == 0).map(|b| b.watches).sum();
            let named = paths.iter().filter(|p| !p.is_empty()).count() as u64;
            prop_assert_eq!(tree.watches(), named);
            if most >= 2 {
                prop_assert_eq!(tops, named);
            }
            prop_assert!(lines.len() <= most.max(1));
            let held: u64 = tree.heaviest(90, 3).iter().filter(|(path, _)| !path.is_empty()).map(|(_, n)| n).sum();
            prop_assert!(held * 100 >= 90 * named || tree.heaviest(90, 3) == [("", named)]);
        }
    }
}
