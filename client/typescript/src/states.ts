import { ExecutionState } from "@stillframe/proto";

/** Whether an execution in this state has ended: COMPLETED, FAILED or CANCELLED. */
export function isTerminal(state: ExecutionState): boolean {
  return (
    state === ExecutionState.COMPLETED ||
    state === ExecutionState.FAILED ||
    state === ExecutionState.CANCELLED
  );
}

/** Whether an execution in this state stopped and can go on: PAUSED or WAITING. */
export function canResume(state: ExecutionState): boolean {
  return state === ExecutionState.PAUSED || state === ExecutionState.WAITING;
}

/** Whether an execution in this state is under way: RUNNING or WAITING. */
export function isActive(state: ExecutionState): boolean {
  return state === ExecutionState.RUNNING || state === ExecutionState.WAITING;
}
