# nix run github:nospace/nospace, nix build, nix develop. Builds from this source; the versions of all crates are those of Cargo.lock.
{
  description = "What \"no space left on device\" and \"too many open files\" really mean on a Linux or Kubernetes node";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      forAll = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
      cargo = builtins.fromTOML (builtins.readFile ./Cargo.toml);
    in
    {
      packages = forAll (pkgs: {
        default = pkgs.rustPlatform.buildRustPackage {
          pname = "nospace";
          version = cargo.workspace.package.version;
          src = self;
          cargoLock.lockFile = ./Cargo.lock;
          cargoBuildFlags = [ "--package" "nospace" ];
          nativeBuildInputs = [ pkgs.pkg-config pkgs.llvmPackages.clang-unwrapped pkgs.installShellFiles ];
          buildInputs = [ pkgs.elfutils pkgs.zlib ];
          # The tests need namespaces, containers and the limits of a whole machine.
          doCheck = false;
          postInstall = ''
            installShellCompletion --cmd nospace \
              --bash <($out/bin/nospace completions bash) \
              --zsh <($out/bin/nospace completions zsh) \
              --fish <($out/bin/nospace completions fish)
          '';
          meta = {
            description = "Tells what \"no space left on device\" means on a node";
            homepage = cargo.workspace.package.repository;
            license = with pkgs.lib.licenses; [ mit asl20 ];
            platforms = systems;
            mainProgram = "nospace";
          };
        };
      });
    };
}
