# For a tap of Homebrew. There is no release yet: `url` and `sha256` are those of the source archive that the first one makes.
class DindDoctor < Formula
  desc "Tells whether nested Docker, kind or rootless containers will work here"
  homepage "https://repository.invalid/dind-doctor"
  url "https://repository.invalid/dind-doctor/archive/refs/tags/v0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
  license any_of: ["MIT", "Apache-2.0"]

  depends_on "rust" => :build
  # It reads what only Linux has.
  depends_on :linux

  def install
    system "cargo", "install", "--bin", "doctor", *std_cargo_args
    bin.install_symlink "doctor" => "dind-doctor"
    (man1/"doctor.1").write Utils.safe_popen_read(bin/"doctor", "man")
    generate_completions_from_executable(bin/"doctor", "completions")
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/doctor --version")
    assert_match "dind-doctor/report/1", shell_output("#{bin}/doctor --format json --exit-zero")
  end
end
