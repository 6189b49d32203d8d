import { readFile, writeFile } from 'node:fs/promises'
import { parse, YAMLParseError } from 'yaml'
import type { ArcClient } from '../client/arcClient.ts'
import { ArcRequestError } from '../client/arcRequestError.ts'
import {
  FindVersionDocument,
  type GateRulesInput,
  GateSimulationDocument,
  type GateSimulationFragment,
  LatestCompletedDocument,
  RegressionGateDocument,
} from '../client/operations.ts'
import type { Config } from '../config.ts'
import { isUuid } from '../uuid.ts'
import { connectedClient, NoServer, type ServerOptions } from './connectedClient.ts'
import { gateReport } from './gateReport.ts'

export interface GateOptions extends ServerOptions {
  candidate: string
  baseline?: string
  /** Instead of a baseline: the latest completed simulation of it. */
  baselineConfiguration?: string
  baselineVersion?: string
  rules?: string
  report?: string
  successDrop?: string
  scoreDrop?: string
  costIncrease?: string
  tokensIncrease?: string
  durationIncrease?: string
  minSuccessRate?: string
  minScenarios?: string
  minRepetitions?: string
  /** False asks the rule, as `--no-regressed` is read. */
  regressed?: boolean
  newFailureCategories?: boolean
  insufficientData?: string
  lowerIsBetter?: string[]
}

/** What nobody can tell, and why; the message says what to do. */
class CannotTell extends Error {}

/**
 * `arc gate`: asks a server whether a simulation may take the place of another one, and prints why.
 *
 * Answers the exit code: 0 when it may, 1 when it may not, 2 when nothing can be told: no server, no such simulation, one that has not
 * ended, wrong options.
 */
export async function gateCommand(config: Config, options: GateOptions): Promise<number> {
  try {
    const rules = await rulesOf(options)
    checkNames(options)
    const client = await connectedClient(config, options, { actorId: 'arc gate', writes: false })
    return (await gateAndPrint(client, options, rules)) ? 0 : 1
  } catch (error) {
    const isKnown =
      error instanceof CannotTell || error instanceof NoServer || error instanceof ArcRequestError
    // Whatever it is: 1 would say that the candidate is worse.
    console.error(isKnown ? `arc gate: ${error.message}` : error)
    return 2
  }
}

async function gateAndPrint(
  client: ArcClient,
  options: GateOptions,
  rules: GateRulesInput,
): Promise<boolean> {
  const candidate = await ended(client, options.candidate, 'candidate')
  const baseline = await baselineOf(client, options, candidate)
  const answer = await client.request(RegressionGateDocument, {
    baseline: baseline.simulationId,
    candidate: candidate.simulationId,
    rules,
    lowerIsBetter: options.lowerIsBetter ?? [],
    tolerance: rules.regressedScenarios?.tolerance ?? 0,
  })
  const { passed, reasons } = answer.regressionGate!
  const [comparison] = answer.compareSimulations!
  if (options.report !== undefined)
    await writeReport(
      options.report,
      gateReport({ baseline, candidate, passed, reasons, comparison: comparison! }),
    )
  const word = { PASSED: 'passed', FAILED: 'FAILED', INSUFFICIENT_DATA: 'cannot tell' }
  for (const { rule, status, message } of reasons) print(`${word[status]}  ${rule}: ${message}`)
  print(
    passed
      ? `The candidate ${nameOf(candidate)} may take the place of ${nameOf(baseline)}.`
      : `The candidate ${nameOf(candidate)} may not take the place of ${nameOf(baseline)}.`,
  )
  return passed
}

async function writeReport(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text)
  } catch (error) {
    throw new CannotTell(`The report cannot be written: ${(error as Error).message}`)
  }
}

/** @throws CannotTell */
function checkNames({ baseline, baselineConfiguration, baselineVersion, candidate }: GateOptions): void {
  if (!isUuid(candidate))
    throw new CannotTell(`--candidate takes the key of a simulation, not "${candidate}".`)
  if ((baseline === undefined) === (baselineConfiguration === undefined))
    throw new CannotTell(
      'Name the baseline: --baseline takes its key, --baseline-configuration the name of a configuration whose latest completed simulation it is.',
    )
  if (baseline !== undefined && !isUuid(baseline))
    throw new CannotTell(`--baseline takes the key of a simulation, not "${baseline}".`)
  if (baselineVersion === undefined) return
  if (baselineConfiguration === undefined)
    throw new CannotTell('--baseline-version goes with --baseline-configuration.')
  if (!/^[1-9]\d{0,8}$/.test(baselineVersion))
    throw new CannotTell(`--baseline-version takes the number of a version, not "${baselineVersion}".`)
}

async function baselineOf(
  client: ArcClient,
  { baseline, baselineConfiguration: name, baselineVersion }: GateOptions,
  candidate: GateSimulationFragment,
): Promise<GateSimulationFragment> {
  if (baseline !== undefined) return ended(client, baseline, 'baseline')
  const { configurations } = await client.request(FindVersionDocument, {
    name: name!,
    version: baselineVersion === undefined ? {} : { versionNumber: { eq: Number(baselineVersion) } },
  })
  const [configuration] = configurations.nodes
  if (!configuration) throw new CannotTell(`There is no configuration ${JSON.stringify(name)}.`)
  const [version] = configuration.versions.nodes
  if (!version)
    throw new CannotTell(`The configuration ${JSON.stringify(name)} has no version ${baselineVersion}.`)
  const { simulations } = await client.request(LatestCompletedDocument, {
    filter: {
      status: { eq: 'COMPLETED' },
      ...(baselineVersion === undefined
        ? { configId: { eq: configuration.configId } }
        : { configVersionId: { eq: version.versionId } }),
    },
  })
  const latest = simulations.nodes.find(({ simulationId }) => simulationId !== candidate.simulationId)
  if (!latest)
    throw new CannotTell(
      `No ${candidate.simulationId === simulations.nodes[0]?.simulationId ? 'other ' : ''}simulation of ${JSON.stringify(name)}${baselineVersion === undefined ? '' : ` version ${baselineVersion}`} is completed.`,
    )
  return latest
}

/** @throws CannotTell */
async function ended(
  client: ArcClient,
  simulationId: string,
  side: 'baseline' | 'candidate',
): Promise<GateSimulationFragment> {
  const { simulation } = await client.request(GateSimulationDocument, { simulationId })
  if (!simulation) throw new CannotTell(`There is no simulation ${simulationId}, the ${side}.`)
  if (simulation.status === 'PENDING' || simulation.status === 'RUNNING')
    throw new CannotTell(
      `The ${side} ${nameOf(simulation)} is ${simulation.status}: wait until it has ended.`,
    )
  return simulation
}

function nameOf({ simulationId, simulationName, configVersion }: GateSimulationFragment): string {
  const version = `${configVersion.configuration.name} version ${configVersion.versionNumber}`
  return `${simulationName ?? version} (${simulationId})`
}

const NUMBERS = [
  'successDrop',
  'scoreDrop',
  'costIncrease',
  'tokensIncrease',
  'durationIncrease',
  'minSuccessRate',
  'minScenarios',
  'minRepetitions',
] as const satisfies (keyof GateRulesInput)[]
const RULES: readonly string[] = [
  ...NUMBERS,
  'regressedScenarios',
  'noNewFailureCategories',
  'insufficientData',
] satisfies (keyof GateRulesInput)[]

/** Of the file; what is an option stands above it. @throws CannotTell */
async function rulesOf(options: GateOptions): Promise<GateRulesInput> {
  const rules = options.rules === undefined ? {} : await rulesIn(options.rules)
  for (const name of NUMBERS) {
    const given = options[name]
    if (given === undefined) continue
    const value = given === 'off' ? null : Number(given)
    if (given.trim() === '' || Number.isNaN(value))
      throw new CannotTell(`--${dashed(name)} takes a number or "off", not "${given}".`)
    rules[name] = value
  }
  if (options.regressed === false) rules.regressedScenarios ??= {}
  if (options.newFailureCategories === false) rules.noNewFailureCategories = true
  if (options.insufficientData !== undefined)
    rules.insufficientData = options.insufficientData === 'pass' ? 'PASS' : 'FAIL'
  return rules
}

async function rulesIn(file: string): Promise<GateRulesInput> {
  let read: unknown
  try {
    read = parse(await readFile(file, 'utf8'))
  } catch (error) {
    const isKnown = error instanceof YAMLParseError || (error as NodeJS.ErrnoException).code !== undefined
    if (!isKnown) throw error
    throw new CannotTell(`The rules cannot be read: ${(error as Error).message}`)
  }
  if (read === null) return {}
  if (typeof read !== 'object' || Array.isArray(read))
    throw new CannotTell(`${file} is no mapping of rules, such as "successDrop: 0.05".`)
  const unknown = Object.keys(read).filter((name) => !RULES.includes(name))
  if (unknown.length > 0)
    throw new CannotTell(`${file}: there is no rule ${unknown.join(', ')}; there are ${RULES.join(', ')}.`)
  const rules = read as GateRulesInput
  if (typeof rules.insufficientData === 'string')
    rules.insufficientData = rules.insufficientData.toUpperCase() as 'FAIL' | 'PASS'
  return rules
}

const dashed = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

function print(line: string): void {
  console.log(line.replace(/[\p{Cc}\p{Bidi_Control}]/gu, '\ufffd'))
}
