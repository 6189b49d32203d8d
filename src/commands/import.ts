import { basename } from 'node:path'
import { SingleBar } from 'cli-progress'
import { signToken } from '../auth/tokens.ts'
import { ArcClient } from '../client/arcClient.ts'
import { ArcRequestError } from '../client/arcRequestError.ts'
import { GreetDocument } from '../client/operations.ts'
import type { Config } from '../config.ts'
import { addedUp, type Redactions } from '../evaluation/redaction/redaction.ts'
import {
  byConfiguration,
  importHistory,
  looksLikeYaml,
  readHistory,
  UNKNOWN_MODEL,
  yamlFilesIn,
} from '../importers/configHistory.ts'
import { type ImportedRun, type RejectedRecord, UnreadableFile } from '../importers/format.ts'
import { type FileCounts, importRun, type RunReport } from '../importers/importRun.ts'
import { joinRuns, splitOffEarlier } from '../importers/joinedRuns.ts'
import { identityOfRecords } from '../importers/recordReading.ts'
import { readResultFile } from '../importers/resultFile.ts'
import { LOCAL_TENANT } from './token.ts'

export interface ImportOptions {
  url?: string
  token?: string
  quiet?: boolean
  /** Of the YAML files; else the name of their folder. */
  configuration?: string
  /** For the YAML files that name none. */
  model?: string
}

const TOKEN_SECONDS = 86_400
const MAX_LISTED_RECORDS = 20
const MAX_LISTED_NOTES = 5

/** There is nobody to send to; the message says what to do. */
class NoServer extends Error {}

/**
 * `arc import`: sends result files and configurations to a server, and says on stdout what became of each.
 *
 * Answers the exit code: 0 when every record of every file is in Arc now, 1 when one was rejected or a file could not
 * be read (the others are imported all the same), 2 when there is no server to send to, or none any more.
 */
export async function importFiles(config: Config, files: string[], options: ImportOptions): Promise<number> {
  let exitCode = 0
  try {
    const client = await connect(config, options)
    const showProgress = !options.quiet && process.stderr.isTTY
    const parts: RunPart[] = []
    const yamlFiles: string[] = []
    const resultFiles: string[] = []
    for (const path of files) {
      const inFolder = await yamlFilesIn(path)
      if (inFolder.length > 0) yamlFiles.push(...inFolder)
      else ((await looksLikeYaml(path)) ? yamlFiles : resultFiles).push(path)
    }
    for (const [name, versions] of byConfiguration(yamlFiles, options.configuration)) {
      if (!(await importConfiguration(client, name, versions, options.model))) exitCode = 1
    }
    for (const file of resultFiles) {
      if (!(await importFile(client, file, showProgress, parts))) exitCode = 1
    }
    const partOf = new Map(parts.map((part) => [part.run.identity, part]))
    for (const run of joinRuns(parts.map((part) => part.run))) {
      const own = run.outcomes.map(({ identity }) => partOf.get(identityOfRecords([identity ?? '']))!)
      if (!(await importJoinedRun(client, run, own, showProgress))) exitCode = 1
    }
  } catch (error) {
    if (!(error instanceof NoServer)) throw error
    console.error(`arc import: ${error.message}`)
    return 2
  }
  return exitCode
}

/** A client that the server has answered. @throws NoServer */
async function connect(config: Config, options: ImportOptions): Promise<ArcClient> {
  const url = options.url ?? config.importUrl ?? `http://127.0.0.1:${config.port}/graphql`
  if (!/^https?:\/\/[^/]/.test(url) || !URL.canParse(url)) {
    throw new NoServer(`The URL has to be one like http://127.0.0.1:4000/graphql, not "${url}".`)
  }
  const given = options.token ?? config.importToken
  if (given === undefined && !config.auth.secret) {
    throw new NoServer(
      'ARC_JWKS_URL is set: give a token of your identity provider with --token or ARC_TOKEN.',
    )
  }
  const claims = {
    tenantId: LOCAL_TENANT,
    actorId: 'arc import',
    role: 'app_user',
    lifetimeSeconds: TOKEN_SECONDS,
  } as const
  const client = new ArcClient({ url, token: given ?? (await signToken(config.auth, claims)) })
  try {
    // Once: where nobody serves, that should be said at once.
    const { viewer } = await client.request(GreetDocument, {}, { mayRepeat: false })
    if (viewer.role === 'READONLY') throw new NoServer('The token may only read.')
    return client
  } catch (error) {
    if (!(error instanceof ArcRequestError)) throw error
    if (error.status === 0)
      throw new NoServer(`No Arc at ${url}: start it with "npm start", or name another with --url.`)
    if (!error.codes.includes('UNAUTHENTICATED')) throw new NoServer(error.message)
    const hint =
      given === undefined
        ? ' It was signed with the secret of this machine; give one of the server with --token or ARC_TOKEN.'
        : ''
    throw new NoServer(`${url} refuses the token: ${error.message}${hint}`)
  }
}

/** Whether all versions of the configuration are in Arc now. @throws NoServer when it answers no more. */
async function importConfiguration(
  client: ArcClient,
  name: string,
  files: string[],
  model?: string,
): Promise<boolean> {
  const label = files.length === 1 ? files[0]! : `${files[0]} to ${basename(files.at(-1)!)}`
  return explained(client, label, async () => {
    const history = await readHistory(name, files, model ?? UNKNOWN_MODEL)
    const report = await importHistory(client, history)
    print(`${label}: configuration as YAML`)
    print(`  configuration  ${name}, versions ${report.first} to ${report.last}`)
    print(`  versions       ${report.stored} stored, ${report.known} there already`)
    printChanges(0, addedUp(history.versions.map(({ redactions }) => redactions)))
    const added = history.versions.filter(({ modelAdded }) => modelAdded).length
    if (added > 0) {
      const hint = model === undefined ? '; --model says which it is' : ''
      print(
        `  model          ${model ?? UNKNOWN_MODEL}: put in front of ${added} that name none, as model_name${hint}`,
      )
    }
    for (const file of history.repeated) print(`  no version     ${file} is the same as the one before`)
    print(
      `  see            ${client.url}  { configurations(filter: { name: { eq: ${JSON.stringify(name)} } }) ` +
        '{ nodes { versions { nodes { versionNumber configHash } } } } }',
    )
    return true
  })
}

/** A file that holds a part of a run, until all files are read. */
interface RunPart {
  file: string
  format: string
  nonFinite: number
  redactions: Redactions
  run: ImportedRun
}

/**
 * Whether all records of the file are in Arc now. What is part of a run that other files may go on with is put into
 * `parts` instead. @throws NoServer when it answers no more.
 */
async function importFile(
  client: ArcClient,
  file: string,
  showProgress: boolean,
  parts: RunPart[],
): Promise<boolean> {
  return explained(client, file, async () => {
    const { format, runs, rejected, nonFinite, redactions, notes = [] } = await readResultFile(file)
    const [part] = runs.filter(({ partOf }) => partOf !== undefined)
    if (part) {
      parts.push({ file, format, nonFinite, redactions, run: part })
      return true
    }
    const inFile = { rejected: rejected.length, secrets: redactions.secrets.size }
    const reports = await importRuns(client, file, runs, inFile, showProgress)
    print(`${file}: ${format}`)
    printChanges(nonFinite, redactions)
    for (const note of notes) print(`  note           ${note}`)
    if (runs.length === 0) print('  holds no record that can be imported')
    for (const report of reports) printReport(report, client.url)
    return printRejected([...rejected, ...reports.flatMap((report) => report.rejected)])
  })
}

/** Whether all records of the run are in Arc now. @throws NoServer when it answers no more. */
async function importJoinedRun(
  client: ArcClient,
  run: ImportedRun,
  parts: RunPart[],
  showProgress: boolean,
): Promise<boolean> {
  const [{ file, format }] = parts as [RunPart]
  const name = parts.length === 1 ? file : `${file} and ${parts.length - 1} more of its run`
  return explained(client, name, async () => {
    const { rest, earlier } = await splitOffEarlier(client, run)
    const redactions = addedUp(parts.map((part) => part.redactions))
    const inFile = { rejected: 0, secrets: redactions.secrets.size }
    const reports = await importRuns(client, file, rest ? [rest] : [], inFile, showProgress)
    print(`${name}: ${format}`)
    printChanges(sum(parts.map(({ nonFinite }) => nonFinite)), redactions)
    for (const { name: simulation, simulationId, status, records } of earlier) {
      print(`  there already  ${records} in ${simulation} (${simulationId}), ${status.toLowerCase()}`)
    }
    if (rest && earlier.length > 0) print('  the others     make a simulation of their own')
    for (const report of reports) printReport(report, client.url)
    return printRejected(reports.flatMap((report) => report.rejected))
  })
}

async function importRuns(
  client: ArcClient,
  file: string,
  runs: ImportedRun[],
  inFile: FileCounts,
  showProgress: boolean,
): Promise<RunReport[]> {
  const records = sum(runs.map(({ outcomes }) => outcomes.length))
  const bar = showProgress && records > 0 ? progressBar(file, records) : undefined
  try {
    const reports: RunReport[] = []
    for (const run of runs) {
      reports.push(await importRun(client, run, inFile, (sent) => bar?.increment(sent)))
    }
    return reports
  } finally {
    bar?.stop()
  }
}

/** The answer of `work`; false when it failed in a way that its owner can mend. @throws NoServer */
async function explained(client: ArcClient, name: string, work: () => Promise<boolean>): Promise<boolean> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof ArcRequestError && error.status === 0) {
      throw new NoServer(
        `${client.url} does not answer any more. Import the files again: what is stored is not stored twice.`,
      )
    }
    if (!(error instanceof UnreadableFile) && !(error instanceof ArcRequestError)) throw error
    console.error(shown(`${name}: ${error.message}`))
    return false
  }
}

function progressBar(file: string, records: number): SingleBar {
  const bar = new SingleBar({
    stream: process.stderr,
    format: `${basename(file)} {bar} {value}/{total} records`,
    clearOnComplete: true,
    hideCursor: true,
  })
  bar.start(records, 0)
  return bar
}

const counted = new Intl.NumberFormat('en-US')
const dollars = new Intl.NumberFormat('en-US', {
  style: 'currency',
  currency: 'USD',
  maximumFractionDigits: 6,
})

function printReport(report: RunReport, url: string): void {
  const { configuration, simulationId, kept, notes } = report
  const graded = kept.filter(({ reliabilityScore }) => reliabilityScore != null)
  const scores = graded.map(({ reliabilityScore }) => reliabilityScore!)
  // Not by the score: a promptfoo test passes with less than 1 when its threshold says so.
  const passed = graded.filter(({ status }) => status === 'success').length
  const meanScore =
    scores.length === 0 ? 'ungraded' : `mean score ${(sum(scores) / scores.length).toFixed(4)}`
  const tokens = kept.flatMap(({ tokensUsed }) => tokensUsed ?? [])
  const costs = kept.flatMap(({ costUsd }) => costUsd ?? [])
  const toolCalls = kept.flatMap(({ toolUsage }) => toolUsage?.map(({ callCount }) => callCount) ?? [])
  const isNew = configuration.created ? ' (new)' : ''
  print(`  configuration  ${configuration.name}, version ${configuration.versionNumber}${isNew}`)
  print(`  simulation     ${report.simulationName}, ${report.status.toLowerCase()}`)
  print(`  records        ${report.stored} stored, ${report.duplicates} there already`)
  print(`  passed         ${passed} of ${scores.length} graded, ${meanScore}`)
  print(
    `  used           ${tokens.length === 0 ? 'unknown' : counted.format(sum(tokens))} tokens, ` +
      `${costs.length === 0 ? 'unknown cost' : dollars.format(sum(costs))}, ${counted.format(sum(toolCalls))} tool calls`,
  )
  const listed = [...notes].slice(0, MAX_LISTED_NOTES)
  for (const [note, count] of listed) {
    print(`  note           ${note}; ${count} ${count === 1 ? 'record' : 'records'}`)
  }
  if (notes.size > listed.length)
    print(`  note           and ${notes.size - listed.length} more kinds of notes`)
  print(
    `  see            ${url}  { simulation(simulationId: "${simulationId}") { status overallScore outcomes { nodes { status } } } }`,
  )
}

/** What was changed in files before anything of them was read. */
function printChanges(nonFinite: number, { secrets, places }: Redactions): void {
  if (nonFinite > 0) print(`  ${nonFinite} NaN or Infinity in it, read as null`)
  if (places === 0) return
  print(
    `  redacted       ${secrets.size} ${secrets.size === 1 ? 'secret' : 'secrets'}, ` +
      `in ${counted.format(places)} ${places === 1 ? 'place' : 'places'}`,
  )
}

/** Whether none was rejected. */
function printRejected(rejected: RejectedRecord[]): boolean {
  print(`  rejected       ${rejected.length}`)
  for (const { record, reason } of rejected.slice(0, MAX_LISTED_RECORDS)) {
    print(`    ${record}: ${reason}`)
  }
  if (rejected.length > MAX_LISTED_RECORDS) {
    print(`    and ${rejected.length - MAX_LISTED_RECORDS} more`)
  }
  return rejected.length === 0
}

function print(line: string): void {
  console.log(shown(line))
}

/** Names and reasons come out of files: what would steer the terminal is not passed on. */
function shown(line: string): string {
  return line.replace(/\p{Cc}/gu, '\ufffd')
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
