# nix run path:.?dir=deploy/packages    (in a clone), or copied to the top of one.
{
  description = "Tells whether nested Docker, kind or rootless containers will work here";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      each = f: nixpkgs.lib.genAttrs systems (system: f nixpkgs.legacyPackages.${system});
    in
    {
      packages = each (pkgs: {
        default = pkgs.pkgsStatic.rustPlatform.buildRustPackage {
          pname = "dind-doctor";
          version = "0.1.0";
          src = ../..;
          cargoLock.lockFile = ../../Cargo.lock;
          cargoBuildFlags = [ "--bin" "doctor" ];
          # Tests look at the machine that they run on, and a sandbox of Nix is none of those that are recorded.
          doCheck = false;
          postInstall = ''
            ln -s doctor $out/bin/dind-doctor
          '';
          meta = {
            description = "Tells whether nested Docker, kind or rootless containers will work here";
            license = with pkgs.lib.licenses; [ mit asl20 ];
            mainProgram = "doctor";
            platforms = systems;
          };
        };
      });
    };
}
