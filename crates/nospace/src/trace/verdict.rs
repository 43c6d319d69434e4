use nospace_core::cause::Cause;

/// What can have refused a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// Limits that may have been reached.
    pub candidates: Vec<Cause>,
    /// What else it may have been, of which nospace has no cause code.
    pub otherwise: Option<&'static str>,
}

impl Verdict {
    /// One of these limits, and nothing else.
    pub fn of(candidates: impl Into<Vec<Cause>>) -> Self {
        Self {
            candidates: candidates.into(),
            otherwise: None,
        }
    }

    /// This, or none of the limits named.
    pub fn or(self, otherwise: &'static str) -> Self {
        Self {
            otherwise: Some(otherwise),
            ..self
        }
    }

    /// No limit of nospace's.
    pub fn only(otherwise: &'static str) -> Self {
        Self::default().or(otherwise)
    }
}
