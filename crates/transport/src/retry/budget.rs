//! How many repetitions a server that does not recover gets.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use http::Uri;

use crate::origin::Origin;

/// So many successes earn one repetition.
const SUCCESSES_PER_RETRY: u32 = 10;

/// How many repetitions are left per origin, counted in successes. Origins that owe nothing are not in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Budgets(Arc<Mutex<HashMap<Origin, u32>>>);

impl Budgets {
    /// Takes one repetition; `false` if `budget` is used up.
    pub(super) fn take(&self, url: &Uri, budget: Option<NonZeroU32>) -> bool {
        let (Some(budget), Ok(origin)) = (budget, Origin::of(url)) else {
            return true;
        };
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let spent = spent.entry(origin).or_default();
        let after = spent.saturating_add(SUCCESSES_PER_RETRY);
        let affordable = after <= budget.get().saturating_mul(SUCCESSES_PER_RETRY);
        if affordable {
            *spent = after;
        }
        affordable
    }

    /// Notes a success.
    pub(super) fn earn(&self, url: &Uri) {
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.is_empty() {
            return;
        }
        let Ok(origin) = Origin::of(url) else {
            return;
        };
        if let Some(owed) = spent.get_mut(&origin) {
            *owed = owed.saturating_sub(1);
            if *owed == 0 {
                spent.remove(&origin);
            }
        }
    }
}
