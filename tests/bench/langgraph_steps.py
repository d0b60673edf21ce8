"""The steps of the growth row in LangGraph: `python -m tests.bench.langgraph_steps FILE CHANNEL`.

CHANNEL is `plain` (a list with a reducer, as LangGraph's tutorials have it) or `delta`
(DeltaChannel, as it comes). Prints what a Meter read in each step.
"""

from __future__ import annotations

import json
import operator
import os
import sys
from pathlib import Path
from typing import Annotated, Any, TypedDict

from tests.bench import growth, references


def _append(state: list[str], writes: list[list[str]]) -> list[str]:
    return [*state, *(each for write in writes for each in write)]


def state_type(channel: str) -> Any:
    """The state of the graph: one list, to which each step appends."""
    reducer: Any = operator.add
    if channel == "delta":
        reducer = references.optional("langgraph.channels").DeltaChannel(_append)
    # A class could not name what this function chose.
    State = TypedDict("State", {"outputs": Annotated[list[str], reducer]})  # noqa: UP013
    return State  # noqa: RET504


def run(file: Path, channel: str) -> dict[str, Any]:
    graphs = references.optional("langgraph.graph")
    sqlite = references.optional("langgraph.checkpoint.sqlite")
    with sqlite.SqliteSaver.from_conn_string(str(file)) as saver:
        saver.setup()
        meter = growth.Meter(os.getpid(), file)
        done = 0

        def step(_: dict[str, Any]) -> dict[str, list[str]]:
            nonlocal done
            if done:
                meter.step()
            done += 1
            return {"outputs": [growth.output(done - 1).decode()]}

        def following(_: dict[str, Any]) -> str:
            return "step" if done < growth.STEPS else str(graphs.END)

        builder = graphs.StateGraph(state_type(channel))
        builder.add_node("step", step)
        builder.add_edge(graphs.START, "step")
        builder.add_conditional_edges("step", following, ["step", graphs.END])
        graph = builder.compile(checkpointer=saver)
        config = {"configurable": {"thread_id": "run-1"}, "recursion_limit": growth.STEPS + 10}
        graph.invoke({"outputs": []}, config, durability="sync")
        meter.step()
        kept = len(list(graph.get_state_history(config)))
        assert kept >= growth.STEPS, f"{kept} checkpoints"
    return {"before": meter.before, "stored": meter.stored, "written": meter.written}


if __name__ == "__main__":
    print(json.dumps(run(Path(sys.argv[1]), sys.argv[2])))
