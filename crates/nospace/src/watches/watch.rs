use nospace_core::model::{Place, Watch};
use nospace_core::watches::Naming;

/// A watch on its way through the stages: which of the inspected instances it is in, and where its name is from.
pub struct InstanceWatch {
    /// Index of the instance in the list that is inspected.
    pub instance: usize,
    /// The watch.
    pub watch: Watch,
    /// Where its name is from.
    pub naming: Naming,
    /// Opening its file by handle was not permitted.
    pub denied: bool,
}

impl InstanceWatch {
    /// As the kernel or fdinfo lists it.
    pub fn new(instance: usize, watch: Watch) -> Self {
        let naming = match watch.place {
            Place::Forgotten => Naming::None,
            _ => Naming::Kernel,
        };
        Self {
            instance,
            watch,
            naming,
            denied: false,
        }
    }

    /// It has no name yet.
    pub fn is_unnamed(&self) -> bool {
        self.watch.place == Place::Forgotten
    }
}
