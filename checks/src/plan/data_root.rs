//! Where an engine keeps its images.

use super::Plan;
use crate::{facts::DataRootOwner, target::Target};

impl Plan {
    /// Whether what the plan starts keeps images in the data root of this owner. Of rootless engines there are two, one of
    /// which is enough.
    pub fn keeps_images_with(&self, owner: DataRootOwner) -> bool {
        use DataRootOwner::{
            Buildkit, Containerd, Docker, Kubelet, Podman, RootlessBuildkit, RootlessDocker,
        };
        match self.target {
            _ if self.engine() == "podman" => owner == Podman,
            Target::Dockerd | Target::Docker => matches!(owner, Docker | Containerd),
            Target::Kind => matches!(owner, Docker | Containerd | Kubelet),
            Target::Rootless => matches!(owner, RootlessDocker | Podman),
            Target::Buildkit => matches!(owner, Buildkit | RootlessBuildkit),
            Target::Podman | Target::Systemd | Target::Sandbox => false,
        }
    }
}
