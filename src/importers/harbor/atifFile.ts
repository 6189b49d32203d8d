import { basename } from 'node:path'
import { isJsonObject, type JsonObject, type JsonValue } from '../../json.ts'
import { type Beside, type ResultFormat, UnknownFormat } from '../format.ts'
import { asList, asObject, asText, digest, picked, shortName, sumOrNull } from '../recordReading.ts'
import { statusOf } from '../rewardChecks.ts'
import { modelOrUnknown, runConfiguration } from '../runConfiguration.ts'
import { epochMs, spanOf } from '../sourceTimes.ts'
import { knownUsage } from '../tokenUsage.ts'
import { isAtif, readAtif, versionNotes } from './atif.ts'
import { gatherTrial, harbor, isJobSummary } from './harbor.ts'

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
    if (trial !== null) return gatherTrial(trial, beside, '../')
    if (await isOfRunningTrial(beside)) throw new UnknownFormat(RUNNING_TRIAL)
    return { format: atif, document }
  },
  parse: (document, path) => {
    if (!isJsonObject(document)) throw new Error('This is not a trajectory: it is not an object.')
    const run = readAtif([document])
    const { promptTokens, completionTokens, costUsd } = run.usage
    const { agent, steps, session_id = null, trajectory_id = null } = document
    const { name, version = null, tool_definitions = null, extra = null } = asObject(agent)
    const agentName = asText(name) ?? 'unknown agent'
    const model = modelOrUnknown(run.model)
    const times = asList(steps).flatMap((step) => epochMs(asObject(step).timestamp) ?? [])
    const [start, end] = [times[0], times.at(-1)]
    const task = digest(run.prompt).slice(0, 16)
    const status = statusOf('finished', null)
    const started = start === undefined ? null : new Date(start)
    const configuration = runConfiguration(['ATIF', agentName, model], model, undefined, {
      agent: { name: agentName, version, extra },
      tool_definitions,
    })
    const said = asList(steps).map(asObject)
    const beginning = session_id === null && trajectory_id === null ? beginningOf(said) : said.slice(0, 1)
    const identity = digest(['atif', session_id, trajectory_id, agentName, model, beginning.map(wordsOf)])
    const ended = end === undefined ? null : new Date(end)
    return {
      rejected: [],
      notes: versionNotes([document]),
      runs: [
        {
          identity,
          name: shortName('ATIF', agentName, model, asText(session_id)),
          configuration,
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
              identity,
              growsInPlace: true,
              status,
              executionTime: ended,
              executionTimeMs: spanOf(times),
              reliabilityScore: null,
              ...knownUsage(
                {
                  promptTokens,
                  completionTokens,
                  tokensUsed: sumOrNull([promptTokens ?? null, completionTokens ?? null]),
                },
                costUsd,
                run.wasCalled,
              ),
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

const RUNNING_TRIAL =
  'It is the trajectory of a trial of Harbor that has no result yet: import the folder of the job again when it has'

/** A trajectory lies in a trial's folder `agent`, or in that of one of its steps. */
async function isOfRunningTrial(beside: Beside): Promise<boolean> {
  for (const trial of ['..', '../../..']) {
    if ((await beside.json(`${trial}/config.json`, isTrialConfig)) !== null) return true
    if ((await beside.json(`${trial}/../result.json`, isJobSummary)) !== null) return true
  }
  return false
}

function isTrialConfig(document: JsonValue): boolean {
  return isJsonObject(asObject(document).task)
}

/** What is said up to the first answer: what a run goes on to say stands behind it. */
function beginningOf(steps: JsonObject[]): JsonObject[] {
  const answer = steps.findIndex(({ source }) => source === 'agent')
  return answer < 0 ? steps : steps.slice(0, answer + 1)
}

function wordsOf(step: JsonObject): JsonObject {
  return picked(step, ['source', 'timestamp', 'message', 'tool_calls'])
}
