import { basename } from 'node:path'
import { isJsonObject } from '../../json.ts'
import { epochMs } from '../chatMessages.ts'
import type { ResultFormat } from '../format.ts'
import { asList, asObject, asText, digest, shortName, sumOrNull } from '../recordReading.ts'
import { statusOf } from '../rewardChecks.ts'
import { modelOrUnknown, runConfiguration } from '../runConfiguration.ts'
import { isAtif, readAtif, versionNotes } from './atif.ts'
import { gatherTrial, harbor } from './harbor.ts'

/**
 * A trajectory by itself, in the format that Harbor's agents and others write. In a trial's folder it is that trial's;
 * elsewhere it is a run that nobody graded, of a task that its prompt alone tells.
 */
export const atif: ResultFormat = {
  name: 'ATIF',
  shape: { schema_version: 'text', 'agent.name': 'text', steps: 'list', 'steps[].source': 'text' },
  detect: isAtif,
  gather: async (document, beside) => {
    const trial = await beside.json('../result.json', harbor.detect)
    return trial === null ? { format: atif, document } : gatherTrial(trial, beside, '../')
  },
  parse: (document, path) => {
    if (!isJsonObject(document)) throw new Error('This is not a trajectory: it is not an object.')
    const run = readAtif([document])
    const { agent, steps, session_id = null, trajectory_id = null } = document
    const { name, version = null, tool_definitions = null, extra = null } = asObject(agent)
    const agentName = asText(name) ?? 'unknown agent'
    const model = modelOrUnknown(run.model)
    const times = asList(steps).flatMap((step) => epochMs(asObject(step).timestamp) ?? [])
    const [start, end] = [times[0], times.at(-1)]
    const task = digest(run.prompt).slice(0, 16)
    const status = statusOf('finished', null)
    const started = start === undefined ? null : new Date(start)
    const ended = end === undefined ? null : new Date(end)
    return {
      rejected: [],
      notes: versionNotes([document]),
      runs: [
        {
          identity: digest(['atif', session_id, trajectory_id, document]),
          name: shortName('ATIF', agentName, model, asText(session_id)),
          configuration: runConfiguration(['ATIF', agentName, model], model, undefined, {
            agent: { name: agentName, version, extra },
            tool_definitions,
          }),
          startedAt: started,
          completedAt: ended,
          repetitions: 1,
          scenarios: [
            {
              externalId: `atif/${task}`,
              name: shortName(run.prompt ?? `task ${task}`),
              taskPrompt: run.prompt,
              tags: ['atif'],
              source: 'atif',
              metadata: {},
            },
          ],
          outcomes: [
            {
              scenarioExternalId: `atif/${task}`,
              repetition: 1,
              status,
              executionTime: ended,
              executionTimeMs:
                start === undefined || end === undefined || end < start ? null : Math.round(end - start),
              reliabilityScore: null,
              ...run.usage,
              tokensUsed: sumOrNull([run.usage.promptTokens ?? null, run.usage.completionTokens ?? null]),
              model,
              trajectory: {
                ...(started === null ? {} : { start_time: started.toISOString() }),
                status,
                ...document,
                messages: run.messages,
              },
              metrics: { step_count: run.steps },
              toolUsage: run.toolUsage,
              failurePatterns: [],
            },
          ],
          metadata: { format: 'ATIF', source_file: basename(path), session_id },
        },
      ],
    }
  },
}
