//! enact-core's snapshots to Stillframe's, and back: every field.

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use enact_core::kernel as enact;
use enact_core::kernel::persistence::ExecutionSnapshot;
use serde_json::Value;
use stillframe::{Snapshot, StoredSnapshot, Timestamp, Values};

const NANOS: u32 = 1_000_000_000;

pub(crate) fn to_stillframe(snapshot: ExecutionSnapshot) -> Snapshot {
    let (state, wait_reason) = state_to_stillframe(snapshot.state);
    let steps = snapshot.step_outputs.into_iter();
    Snapshot {
        wait_reason,
        sequence_number: snapshot.sequence_number,
        user_id: snapshot.user_id.map(|id| id.as_str().to_owned()),
        current_step_id: snapshot.current_step_id.map(|id| id.as_str().to_owned()),
        step_outputs: steps
            .map(|(id, output)| (id.as_str().to_owned(), output.into()))
            .collect(),
        variables: snapshot
            .variables
            .into_iter()
            .map(|(name, value)| (name, value.into()))
            .collect(),
        timestamp: Some(time_to_stillframe(snapshot.timestamp)),
        ..Snapshot::new(state)
    }
}

pub(crate) fn to_enact(stored: &StoredSnapshot) -> anyhow::Result<ExecutionSnapshot> {
    if let Some(omission) = &stored.omission {
        bail!(
            "{} entries of the snapshot did not fit into the answer",
            omission.count
        );
    }
    // Another engine's snapshot may have no time of its own.
    let timestamp = stored.timestamp.unwrap_or(stored.commit_time);
    Ok(ExecutionSnapshot {
        execution_id: stored.execution_id.as_str().into(),
        tenant_id: stored.tenant_id.as_str().into(),
        user_id: stored.user_id.as_deref().map(Into::into),
        state: state_to_enact(stored.state, stored.wait_reason)?,
        current_step_id: stored.current_step_id.as_deref().map(Into::into),
        step_outputs: values(&stored.step_outputs)?,
        variables: values(&stored.variables)?,
        timestamp: time_to_enact(timestamp)?,
        sequence_number: stored.sequence_number,
    })
}

fn values<K, M>(values: &Values) -> stillframe::Result<M>
where
    K: for<'a> From<&'a str>,
    M: FromIterator<(K, Value)>,
{
    values
        .iter()
        .map(|(key, value)| Ok((K::from(key), value?)))
        .collect()
}

fn state_to_stillframe(
    state: enact::ExecutionState,
) -> (stillframe::ExecutionState, Option<stillframe::WaitReason>) {
    use stillframe::ExecutionState as To;
    use stillframe::WaitReason as Reason;
    let reason = match state {
        enact::ExecutionState::Created => return (To::Created, None),
        enact::ExecutionState::Planning => return (To::Planning, None),
        enact::ExecutionState::Running => return (To::Running, None),
        enact::ExecutionState::Paused => return (To::Paused, None),
        enact::ExecutionState::Completed => return (To::Completed, None),
        enact::ExecutionState::Failed => return (To::Failed, None),
        enact::ExecutionState::Cancelled => return (To::Cancelled, None),
        enact::ExecutionState::Waiting(reason) => reason,
    };
    let reason = match reason {
        enact::WaitReason::Approval => Reason::Approval,
        enact::WaitReason::UserInput => Reason::UserInput,
        enact::WaitReason::RateLimit => Reason::RateLimit,
        enact::WaitReason::External => Reason::External,
        enact::WaitReason::Checkpoint => Reason::Checkpoint,
        enact::WaitReason::CostThreshold => Reason::CostThreshold,
        enact::WaitReason::MemoryPressure => Reason::MemoryPressure,
        enact::WaitReason::SubAgent => Reason::SubAgent,
    };
    (To::Waiting, Some(reason))
}

fn state_to_enact(
    state: stillframe::ExecutionState,
    reason: Option<stillframe::WaitReason>,
) -> anyhow::Result<enact::ExecutionState> {
    use enact::ExecutionState as To;
    use stillframe::ExecutionState as From;
    Ok(match state {
        From::Created => To::Created,
        From::Planning => To::Planning,
        From::Running => To::Running,
        From::Paused => To::Paused,
        From::Completed => To::Completed,
        From::Failed => To::Failed,
        From::Cancelled => To::Cancelled,
        From::Waiting => To::Waiting(reason_to_enact(reason)?),
        other => bail!("enact-core has no state {other}"),
    })
}

fn reason_to_enact(reason: Option<stillframe::WaitReason>) -> anyhow::Result<enact::WaitReason> {
    use enact::WaitReason as To;
    use stillframe::WaitReason as From;
    Ok(match reason.context("a snapshot waits for nothing")? {
        From::Approval => To::Approval,
        From::UserInput => To::UserInput,
        From::RateLimit => To::RateLimit,
        From::External => To::External,
        From::Checkpoint => To::Checkpoint,
        From::CostThreshold => To::CostThreshold,
        From::MemoryPressure => To::MemoryPressure,
        From::SubAgent => To::SubAgent,
        other => bail!("enact-core has no wait reason {other}"),
    })
}

fn time_to_stillframe(time: DateTime<Utc>) -> Timestamp {
    let (seconds, nanos) = (time.timestamp(), time.timestamp_subsec_nanos());
    // chrono writes a leap second as more than a second's nanoseconds; Unix time has none.
    let (seconds, nanos) = (seconds + i64::from(nanos / NANOS), nanos % NANOS);
    Timestamp {
        seconds,
        nanos: nanos.cast_signed(),
    }
}

fn time_to_enact(time: Timestamp) -> anyhow::Result<DateTime<Utc>> {
    let nanos = u32::try_from(time.nanos)?;
    DateTime::from_timestamp(time.seconds, nanos).context("the timestamp is out of range")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact() {
        for (seconds, nanos) in [
            (0, 0),
            (-1, 999_999_999),
            (1_709_251_199, 1),
            (253_402_300_799, 999_999_999),
        ] {
            let time = DateTime::from_timestamp(seconds, nanos).unwrap();
            assert_eq!(time_to_enact(time_to_stillframe(time)).unwrap(), time);
        }
    }

    #[test]
    fn a_leap_second_is_the_second_after_it() {
        let leap = DateTime::from_timestamp(1_483_228_799, NANOS + 5).unwrap();
        let kept = Timestamp {
            seconds: 1_483_228_800,
            nanos: 5,
        };
        assert_eq!(time_to_stillframe(leap), kept);
    }

    #[test]
    fn a_state_without_its_reason_is_no_state() {
        assert!(state_to_enact(stillframe::ExecutionState::Waiting, None).is_err());
    }
}
