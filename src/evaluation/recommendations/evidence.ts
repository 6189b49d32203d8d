/** What a recommendation rests on: one link, and what it shows. */
export type Evidence = { summary: string } & (
  | { simulationId: string; outcomeId?: string }
  | { scenarioId: string }
  | { configVersionId: string }
  | { configDiffId: string }
  | { signature: string }
  | { toolName: string }
)

/** How many scenarios, outcomes or the like one recommendation links: to look at, not to count. */
export const SHOWN = 20
