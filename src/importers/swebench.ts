import { basename, dirname, resolve } from 'node:path'
import type { FailurePatternInput } from '../evaluation/outcomeInput.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts'
import type { ImportedGrade, ParsedFile, RejectedRecord, ResultFormat } from './format.ts'
import { isEvalMetadata, modelOf, openHandsScenarioId } from './openhands.ts'
import {
  asList,
  asObject,
  asText,
  BrokenRecord,
  objectOf,
  picked,
  shown,
  taskIdText,
} from './recordReading.ts'
import { failure } from './rewardChecks.ts'
import { sweScenarioId } from './trajectoryFile.ts'

const GRADER = 'swe_bench'
const MAX_LISTED_TESTS = 50

/** The lists of a report that say how an instance ended; one that was not submitted was not run. */
const RESULTS = ['resolved', 'unresolved', 'empty_patch', 'error'] as const
type Result = (typeof RESULTS)[number]

/**
 * A report of SWE-bench over all instances: `{resolved_ids, unresolved_ids, empty_patch_ids, error_ids, …}`. It holds no
 * run, but grades the outcomes of one: whether the patches that an agent submitted make the tests pass.
 */
export const sweBenchReport: ResultFormat = {
  name: 'SWE-bench report',
  shape: { resolved_ids: 'list', unresolved_ids: 'list', submitted_ids: 'list' },
  detect: (document) => {
    const { resolved_ids, ...rest } = asObject(document)
    return (
      isPublished(document) ||
      (Array.isArray(resolved_ids) &&
        !('results' in rest) &&
        ['unresolved_ids', 'submitted_ids', 'completed_ids', 'error_ids'].some((key) =>
          Array.isArray(rest[key]),
        ))
    )
  },
  gather: async (document, beside) => {
    const openhands = await beside.json('metadata.json', isEvalMetadata)
    return { format: sweBenchReport, document: { ...asObject(document), openhands } }
  },
  parse: (document, path) => {
    const { openhands, ...given } = asObject(document)
    const report = isPublished(given) ? reportOf(given) : given
    const scenarioIdOf = isJsonObject(openhands)
      ? (instanceId: string) => openHandsScenarioId(instanceId, asText(openhands.dataset))
      : sweScenarioId
    const grades: ImportedGrade[] = []
    const rejected: RejectedRecord[] = []
    const seen = new Set<string>()
    for (const [result, given] of idsByResult(report)) {
      const instanceId = taskIdText(given)
      if (instanceId === null || seen.has(instanceId)) {
        const reason =
          instanceId === null ? 'it is not the id of an instance' : 'it stands in the report twice'
        rejected.push({ record: `${result} ${shown(given)}`, reason })
        continue
      }
      seen.add(instanceId)
      grades.push(gradeOf(instanceId, scenarioIdOf(instanceId), result, report))
    }
    const names = isJsonObject(openhands) ? { model: modelOf(openhands), run: null } : namesIn(path)
    return { runs: [], grades: { grader: GRADER, ...names, grades }, rejected }
  },
}

/**
 * A report as SWE-bench wrote it at first, and many runs on its leaderboard have it. Later ones there list no instance that
 * was tested and not resolved: the resolved alone would grade a run too well.
 */
function isPublished(document: unknown): boolean {
  const { resolved, generated, applied } = asObject(document)
  return Array.isArray(resolved) && [generated, applied].some(Array.isArray)
}

/** The same in the words of today: what was tested and is in no other list is unresolved. */
function reportOf(published: JsonObject): JsonObject {
  const [resolved, empty] = [asList(published.resolved), asList(published.no_generation)]
  const errors = ['no_logs', 'install_fail', 'reset_failed', 'test_errored', 'test_timeout'].flatMap((key) =>
    asList(published[key]),
  )
  const told = new Set([...resolved, ...empty, ...errors])
  const tested = new Set([...asList(published.generated), ...asList(published.applied)])
  return {
    resolved_ids: resolved,
    unresolved_ids: [...tested].filter((id) => !told.has(id)),
    empty_patch_ids: empty,
    error_ids: [...new Set(errors)],
  }
}

/** An older report has no list of what was not resolved: it is the rest of what was completed. */
function idsByResult(report: JsonObject): [Result, JsonValue][] {
  const resolved = new Set(asList(report.resolved_ids))
  const others = Array.isArray(report.unresolved_ids)
    ? report.unresolved_ids
    : asList(report.completed_ids).filter((id) => !resolved.has(id))
  const lists: Record<Result, JsonValue[]> = {
    resolved: asList(report.resolved_ids),
    unresolved: others,
    empty_patch: asList(report.empty_patch_ids),
    error: asList(report.error_ids),
  }
  return RESULTS.flatMap((result) => lists[result].map((id) => [result, id] as [Result, JsonValue]))
}

function gradeOf(
  instanceId: string,
  scenarioExternalId: string,
  result: Result,
  report: JsonObject,
): ImportedGrade {
  const reason = asText(asObject(report.failure_reasons)[instanceId])
  const because = reason === null ? '' : ` Its logs say: ${reason}`
  const isInfra = asList(report.infra_failure_ids).includes(instanceId)
  return {
    scenarioExternalId,
    // An instance whose tests could not be run is not graded.
    score: { resolved: 1, unresolved: 0, empty_patch: 0, error: null }[result],
    failures: failuresFor(result, because),
    metrics: {
      result,
      ...(reason === null ? {} : { failure_reason: reason }),
      ...(isInfra ? { infra_failure: true } : {}),
    },
  }
}

function failuresFor(result: Result, because: string): FailurePatternInput[] {
  switch (result) {
    case 'resolved':
      return []
    case 'unresolved':
      return [failure('unresolved', 'validation_error', `The patch does not resolve the issue.${because}`)]
    case 'empty_patch':
      return [failure('empty_patch', 'validation_error', 'The agent submitted no patch.')]
    case 'error':
      return [failure('evaluation_error', 'system_error', `The patch could not be evaluated.${because}`)]
  }
}

/**
 * A report is called `{model}.{run}.json`, with `__` for the slashes of the model's name; that of OpenHands, which names the
 * model beside, `output.report.json`.
 */
function namesIn(path: string): { model: string | null; run: string | null } {
  const name = basename(path)
  const parts =
    name === 'output.report.json' ? null : /^(?<model>.+)\.(?<run>[^.]+)\.json$/.exec(name)?.groups
  return { model: parts?.model ?? null, run: parts?.run ?? null }
}

/**
 * The report of one instance: `{<instance>: {resolved, patch_successfully_applied, tests_status}}`, which also names the
 * tests. It lies in a folder of the instance, and that in one of the model.
 */
export const sweBenchInstance: ResultFormat = {
  name: 'SWE-bench report',
  shape: { '*.resolved': 'boolean', '*.patch_exists': 'boolean', '*.tests_status': 'object' },
  detect: (document) => {
    const entries = Object.values(asObject(document))
    return entries.length > 0 && entries.every((entry) => isInstanceReport(entry))
  },
  parse: (document, path) => {
    const grades: ImportedGrade[] = []
    const rejected: RejectedRecord[] = []
    for (const [instanceId, report] of Object.entries(asObject(document))) {
      try {
        grades.push(instanceGrade(instanceId, asObject(report)))
      } catch (error) {
        if (!(error instanceof BrokenRecord)) throw error
        rejected.push({ record: instanceId, reason: error.message })
      }
    }
    return { runs: [], grades: { grader: GRADER, ...namesAbove(path, asObject(document)), grades }, rejected }
  },
}

/** It lies in `{run}/{model}/{instance}/report.json`; those that are published, in `{model}/logs/{instance}`. */
function namesAbove(path: string, document: JsonObject): { model: string | null; run: string | null } {
  const folder = dirname(resolve(path))
  if (!Object.hasOwn(document, basename(folder))) return { model: null, run: null }
  const [parent, above] = [dirname(folder), dirname(dirname(folder))].map((path) => basename(path)) as [
    string,
    string,
  ]
  return parent === 'logs' ? { model: above, run: null } : { model: parent, run: above }
}

function isInstanceReport(entry: JsonValue): boolean {
  return (
    isJsonObject(entry) &&
    'resolved' in entry &&
    ['patch_exists', 'patch_is_None', 'patch_successfully_applied', 'tests_status'].some(
      (key) => key in entry,
    )
  )
}

function instanceGrade(instanceId: string, report: JsonObject): ImportedGrade {
  const { resolved, patch_exists, patch_is_None, patch_successfully_applied } = report
  if (typeof resolved !== 'boolean')
    throw new BrokenRecord(`resolved is ${shown(resolved)}, not true or false`)
  const isEmpty = patch_is_None === true || patch_exists === false
  const tests = objectOf(report, 'tests_status')
  const failed = Object.entries(tests).flatMap(([kind, status]) =>
    asList(asObject(status).failure).map((test) => ({ kind, test: asText(test) ?? shown(test) })),
  )
  const failures = resolved
    ? []
    : isEmpty
      ? failuresFor('empty_patch', '')
      : patch_successfully_applied === false
        ? [failure('patch_not_applied', 'validation_error', 'The patch cannot be applied.')]
        : failed.length === 0
          ? failuresFor('unresolved', '')
          : failed
              .slice(0, MAX_LISTED_TESTS)
              .map(({ kind, test }) => failure(`test:${kind}`, 'validation_error', `The test ${test} fails.`))
  return {
    scenarioExternalId: sweScenarioId(instanceId),
    score: Number(resolved),
    failures,
    metrics: {
      result: resolved ? 'resolved' : isEmpty ? 'empty_patch' : 'unresolved',
      ...picked(report, ['patch_exists', 'patch_successfully_applied']),
      tests: Object.fromEntries(
        Object.entries(tests).map(([kind, status]) => {
          const { success, failure: failing } = asObject(status)
          return [
            kind,
            { met: asList(success).length, total: asList(success).length + asList(failing).length },
          ]
        }),
      ),
    },
  }
}

/** Predictions as agents write them for SWE-bench: `{instance_id, model_name_or_path, model_patch}`, in a list or by id. */
export const sweBenchPredictions: ResultFormat = {
  name: 'SWE-bench predictions',
  shape: { '[].instance_id': 'text', '[].model_name_or_path': 'text', '[].model_patch': 'text' },
  detect: (document) => {
    const predictions = predictionsIn(document)
    return predictions.length > 0 && predictions.every(isPrediction)
  },
  parse: (document): ParsedFile => {
    const predictions = predictionsIn(document).map(asObject)
    const models = [
      ...new Set(predictions.flatMap(({ model_name_or_path }) => asText(model_name_or_path) ?? [])),
    ]
    const patches = predictions.filter(({ model_patch }) => asText(model_patch) !== null).length
    return {
      runs: [],
      rejected: [],
      notes: [
        `${patches} patches for ${predictions.length} instances by ${models.join(', ') || 'an unknown model'}, without a grade: ` +
          'import the trajectories, and the report that SWE-bench makes of these patches',
      ],
    }
  },
}

function predictionsIn(document: unknown): JsonValue[] {
  if (Array.isArray(document)) return document
  return isPrediction(document) ? [document as JsonObject] : Object.values(asObject(document))
}

function isPrediction(document: unknown): boolean {
  const { instance_id, model_patch, model_name_or_path } = asObject(document)
  return asText(instance_id) !== null && model_patch !== undefined && model_name_or_path !== undefined
}
