#!/bin/bash
# Makes a release of what is checked out, twice, compares both, and installs each of its files the way its users do.
#
#   tests/release/run.sh
#
# $NOSPACE_STATIC, $NOSPACE_STATIC_ARM64: use these programs. $NOSPACE_REBUILD=1: also build the program again, in another directory, and
# compare it (minutes). Roots of Debian 12 and 13 are made by mmdebstrap where the archive can be reached; what is for arm64 runs in qemu.
# krew is built; Homebrew installs the formula where there is a brew, and the Nix flake is evaluated where there is a nixpkgs.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/deploy/common.sh
. scripts/debian.sh
. tests/release/serve.sh
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; *) skip "no release for $(uname -m)" ;; esac
NOSPACE_STATIC=$(realpath "${NOSPACE_STATIC:-$(scripts/static --dist --quiet)}")
architectures=($arch)
if [ $arch = amd64 ]; then
    NOSPACE_STATIC_ARM64=$(realpath "${NOSPACE_STATIC_ARM64:-$(scripts/static --target aarch64-unknown-linux-gnu --dist --quiet)}")
    export NOSPACE_STATIC_ARM64
    architectures+=(arm64)
fi
export NOSPACE_STATIC NOSPACE_DIRTY=1
# One commit for both runs, whatever is committed meanwhile.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"; git worktree prune' EXIT
# The server, and a user without rights, read and run what is in it.
chmod 755 "$work"

if scripts/release 9.9.9 "$work/wrong" >"$work/log" 2>&1; then fail "a release of another version than Cargo.toml's was made"; fi
grep -q "has version $version, not 9.9.9" "$work/log" || fail "scripts/release 9.9.9 says: $(cat "$work/log")"
scripts/release "$version" "$work/first" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "scripts/release"; }
scripts/release "$version" "$work/release" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "scripts/release, again"; }
diff -r "$work/first" "$work/release" >&2 || fail "the same commit gives other bytes"
rm -rf "$work/first"
cd "$work/release"
sha256sum --quiet -c SHA256SUMS || fail "SHA256SUMS"
[ "$(ls | wc -l)" = $(($(wc -l <SHA256SUMS) + 1)) ] || fail "SHA256SUMS does not list every file"

# tar.gz, by install.sh, from a server, as a user without rights.
tar=nospace-$version-linux-$arch.tar.gz
serve "$work" "$work/http"
# from PATH: installs what the server has there as a user without rights, into an empty home.
from() {
    rm -rf "$work/home"
    install -d -m 700 -o 65534 -g 65534 "$work/home"
    env -i PATH=/usr/bin:/bin HOME="$work/home" NOSPACE_URL="http://127.0.0.1:$port/$1" \
        setpriv --reuid 65534 --regid 65534 --clear-groups sh "$work/release/install.sh" >"$work/log" 2>&1
}
if [ "$(id -u)" = 0 ]; then
    from release || { cat "$work/log" >&2; fail "install.sh"; }
    [ "$("$work/home/.local/bin/nospace" --version)" = "nospace $version" ] || fail "install.sh installed something else"
    grep -q "is not in your PATH" "$work/log" || fail "install.sh does not say that the directory is not in PATH"
    from release || fail "install.sh over an older version"
    cp -r "$work/release" "$work/damaged"
    printf x >>"$work/damaged/$tar"
    if from damaged; then fail "install.sh took a file with a wrong sum"; fi
    grep -q "does not match SHA256SUMS" "$work/log" || fail "install.sh says: $(cat "$work/log")"
    [ ! -e "$work/home/.local" ] || fail "install.sh left something behind"
    sed -i "/$tar/d" "$work/damaged/SHA256SUMS"
    if from damaged; then fail "install.sh found a program where there is none"; fi
    grep -q "no program for $arch" "$work/log" || fail "install.sh says: $(cat "$work/log")"
    if from nowhere; then fail "install.sh installed from nowhere"; fi
    grep -q "cannot download" "$work/log" || fail "install.sh says: $(cat "$work/log")"
    rm -rf "$work/damaged"
else
    echo "release: install.sh as another user: skipped, that needs root"
fi
tar -xzf "$tar" -C "$work"
unpacked=$work/${tar%.tar.gz}
for file in man/nospace-check.1 completions/nospace.bash schema/check.schema.json schema/tune-for.schema.json LICENSE-MIT README.md; do
    [ -s "$unpacked/$file" ] || fail "$tar has no $file"
done
cmp -s "$unpacked/nospace" "$NOSPACE_STATIC" || fail "$tar has another program"

# runs ROOT: the program installed below this directory, with nothing else there.
runs() {
    [ "$("$1/usr/bin/nospace" --version)" = "nospace $version" ] || fail "$1: nospace does not run"
    [ -s "$1/usr/share/man/man1/nospace-check.1" ] || [ -s "$1/usr/share/man/man1/nospace-check.1.gz" ] || fail "$1: no man pages"
    [ -s "$1/usr/share/bash-completion/completions/nospace" ] || fail "$1: no completions"
}
command -v rpm >/dev/null && command -v mmdebstrap >/dev/null && command -v qemu-aarch64-static >/dev/null || {
    [ "$(id -u)" = 0 ] || skip "rpm, mmdebstrap or qemu-user-static is missing"
    apt_get update
    apt_get install -y --no-install-recommends rpm mmdebstrap qemu-user-static
}

# Each file of another architecture has that architecture's program, and says so.
for each in "${architectures[@]}"; do
    case $each in
    amd64) machine=x86_64 program=$NOSPACE_STATIC run=() ;;
    arm64) machine=aarch64 program=${NOSPACE_STATIC_ARM64:-$NOSPACE_STATIC} run=(qemu-aarch64-static) ;;
    esac
    [ $each != $arch ] || run=()
    files=$work/of-$each
    mkdir -p "$files"/{tar,deb,rpm,apk,image}
    tar -xzf "nospace-$version-linux-$each.tar.gz" -C "$files/tar" --strip-components=1
    dpkg-deb -x "nospace_$version-1_$each.deb" "$files/deb"
    rpm --root "$files/rpm" --nodeps --noscripts --ignorearch -i "nospace-$version-1.$machine.rpm" 2>"$work/log" || { cat "$work/log" >&2; fail "rpm for $each"; }
    tar --warning=no-unknown-keyword -xzf "nospace_${version}_$machine.apk" -C "$files/apk"
    for installed in tar/nospace {deb,rpm,apk}/usr/bin/nospace; do
        cmp -s "$files/$installed" "$program" || fail "$each: $installed is another program"
    done
    [ "$("${run[@]}" "$files/tar/nospace" --version)" = "nospace $version" ] || fail "the program for $each does not run"
    [ "$("${run[@]}" "$files/tar/nospace" completions bash | cmp - "$files/tar/completions/nospace.bash" && echo same)" = same ] || fail "$each: completions"
    [ "$(dpkg-deb -f "nospace_$version-1_$each.deb" Architecture)" = $each ] || fail "deb: not for $each"
    [ "$(rpm -qp --qf '%{ARCH}' "nospace-$version-1.$machine.rpm")" = $machine ] || fail "rpm: not for $machine"
    grep -q "^arch = $machine" "$files/apk/.PKGINFO" || fail "apk: not for $machine"
    store=(--root "$files/image/root" --runroot "$files/image/run" --storage-driver vfs)
    pulled=$(buildah "${store[@]}" pull --quiet --arch $each "oci-archive:nospace-$version.oci.tar") || fail "the image has nothing for $each"
    [ "$(buildah "${store[@]}" inspect --type image --format '{{.OCIv1.Architecture}}' "$pulled")" = $each ] || fail "the image for $each is of another architecture"
    container=$(buildah "${store[@]}" from "$pulled")
    cmp -s "$(buildah "${store[@]}" mount "$container")/bin/nospace" "$program" || fail "the image has another program for $each"
    buildah "${store[@]}" umount "$container" >/dev/null
    buildah "${store[@]}" rm "$container" >/dev/null
    rm -rf --one-file-system "$files"
done

case $arch in amd64) machine=x86_64 ;; arm64) machine=aarch64 ;; esac
mkdir "$work/rpm"
rpm --root "$work/rpm" --nodeps --noscripts -i nospace-"$version"-1.$machine.rpm 2>"$work/log" || { cat "$work/log" >&2; fail "rpm -i"; }
runs "$work/rpm"
rpm --root "$work/rpm" -V nospace || fail "rpm -V"
[ -s "$work/rpm/usr/lib/systemd/system/nospace-agent.service" ] || fail "the rpm has no unit"
rpm --root "$work/rpm" -e nospace
[ ! -e "$work/rpm/usr/bin/nospace" ] || fail "rpm -e left the program"
mkdir "$work/apk"
tar --warning=no-unknown-keyword -xzf nospace_"$version"_$machine.apk -C "$work/apk"
grep -q "^pkgver = $version" "$work/apk/.PKGINFO" || fail "the apk has no version"
runs "$work/apk"
debs=()
for suite in bookworm trixie; do
    if mmdebstrap --quiet --variant=essential $suite "$work/$suite" >"$work/log" 2>&1; then
        cp nospace_"$version"-1_$arch.deb "$work/$suite/"
        chroot "$work/$suite" dpkg --install "/nospace_$version-1_$arch.deb" >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "deb on $suite"; }
        [ "$(chroot "$work/$suite" nospace --version)" = "nospace $version" ] || fail "deb on $suite does not run"
        chroot "$work/$suite" dpkg --purge nospace >/dev/null 2>&1 || fail "purge on $suite"
        [ ! -e "$work/$suite/usr/bin/nospace" ] || fail "purge on $suite left the program"
        debs+=($suite)
        rm -rf --one-file-system "${work:?}/$suite"
    else
        echo "release: deb on $suite: skipped, no root could be made: $(tail -1 "$work/log")"
    fi
done

cd - >/dev/null
helm=$(tests/deploy/tool.sh helm)
"$helm" lint --strict --quiet "$work/release/nospace-chart-$version.tgz" >/dev/null || fail "helm lint"
"$helm" template nospace "$work/release/nospace-chart-$version.tgz" --namespace nospace >"$work/packaged"
"$helm" template nospace deploy/helm/nospace --namespace nospace >"$work/checked-out"
cmp -s "$work/packaged" "$work/checked-out" || fail "the packaged chart renders something else"
cd "$work/release"

for each in "${architectures[@]}"; do
    sum=$(sha256sum "nospace-$version-linux-$each.tar.gz" | cut -d' ' -f1)
    grep -A 2 "url \".*/v$version/nospace-$version-linux-$each.tar.gz\"" nospace.rb | grep -q "sha256 \"$sum\"" || fail "Homebrew's sum for $each"
done
! command -v ruby >/dev/null || ruby -c nospace.rb >/dev/null || fail "the formula is no Ruby"
jq -e '.bomFormat == "CycloneDX" and ([.components[].name] | contains(["nospace-core", "libbpf-sys", "clap"]))' "nospace-$version.cdx.json" >/dev/null ||
    fail "the bill of materials lacks crates"
! jq -e 'any(.components[].name; . == "insta")' "nospace-$version.cdx.json" >/dev/null || fail "the bill of materials lists crates of tests"
cd - >/dev/null
others=()
for each in krew brew flake; do
    if tests/release/$each.sh "$work/release"; then others+=($each); else [ $? = 77 ] || fail "tests/release/$each.sh"; fi
done

if [ "${NOSPACE_REBUILD-}" = 1 ]; then
    git worktree add --quiet --detach "$work/elsewhere"
    (cd "$work/elsewhere" && scripts/static --dist --quiet >/dev/null) || fail "the second build"
    cmp "$NOSPACE_STATIC" "$work/elsewhere/target/$(uname -m)-unknown-linux-gnu/dist/nospace" || fail "another directory gives another program"
    git worktree remove --force "$work/elsewhere"
    echo "release: another build in another directory gives the same program"
fi
echo "release: $(wc -l <"$work/release/SHA256SUMS") files are right; deb installed on ${debs[*]:-nothing}; ran ${others[*]}"
