import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { useArc } from '../support/arc.ts'
import { fixture } from '../support/fixtures.ts'
import { importInto, useFolder } from '../support/importing.ts'

const arc = useArc()
const folder = useFolder()

const ID = '9007199254740993'
const TAIL = '0000000000000000000001'

const TOKENS = /"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}]|-?\d+(\.\d+)?(?![\d.eE])/g
/** What such a number is, no other may be. */
const IDS = /^"(?:id|task_id|cause|version)"\s*:$/

/** The text with a 64-bit integer in each object within it, and more digits behind each of its numbers than JavaScript has. */
function withExactNumbers(json: string): string {
  let depth = 0
  let before = ''
  return json.replace(TOKENS, (token, fraction: string | undefined, offset: number) => {
    if (token === '}') depth--
    else if (token === '{') {
      const more = /^\{\s*\}/.test(json.slice(offset, offset + 20)) ? '' : ','
      if (depth++ > 0) return `{"exact": ${ID}${more}`
    } else if (token.startsWith('"')) before = token
    else if (Number(token) !== 0 && !IDS.test(before))
      return fraction === undefined ? `${token}.${TAIL}` : `${token}${TAIL}`
    return token
  })
}

/** Where the file of each family has such an integer and more digits, when it is stored. */
const FILES: { format: string; root: string; file: string; ids: string; digits: string }[] = [
  {
    format: 'tau-bench',
    root: 'taubench-small.json',
    file: '',
    ids: 'trajectory metrics metadata',
    digits: 'trajectory metrics',
  },
  {
    format: 'tau2-bench',
    root: 'tau2dir',
    file: 'results.json',
    ids: 'trajectory metadata configuration',
    digits: 'trajectory metrics metadata configuration',
  },
  {
    format: 'Inspect',
    root: 'inspect-small.json',
    file: '',
    ids: 'trajectory metrics metadata configuration',
    digits: 'trajectory metrics metadata configuration',
  },
  {
    format: 'promptfoo',
    root: 'promptfoo-small.json',
    file: '',
    ids: 'trajectory metrics metadata',
    digits: 'trajectory metrics',
  },
  {
    format: 'promptfoo, JSON Lines',
    root: 'promptfoo-small.jsonl',
    file: '',
    ids: 'trajectory metadata',
    digits: 'trajectory',
  },
  {
    format: 'InterCode',
    root: 'intercode/bash',
    file: 'gpt-9/ic_bash_multiturn_gpt-9_3_turns_kites.json',
    ids: 'trajectory metrics',
    digits: 'trajectory metrics configuration',
  },
  {
    format: 'SWE-agent',
    root: 'sweagent',
    file: 'kites__kite-7/kites__kite-7.traj',
    ids: 'trajectory',
    digits: 'trajectory metrics',
  },
  {
    format: 'mini-swe-agent',
    root: 'minisweagent',
    file: 'kites__kite-7/kites__kite-7.traj.json',
    ids: 'trajectory configuration',
    digits: 'trajectory metrics configuration',
  },
  {
    format: 'Harbor',
    root: 'harbor/kites-job',
    file: 'tie-knot__bbbbbbb/result.json',
    ids: 'trajectory metrics metadata configuration',
    digits: 'trajectory configuration',
  },
  {
    format: 'Terminal-Bench',
    root: 'terminal-bench/2025-05-06__10-00-00',
    file: 'results.json',
    ids: 'trajectory metadata configuration',
    digits: 'trajectory metrics metadata configuration',
  },
  {
    format: 'DeepEval',
    root: 'deepeval',
    file: '.deepeval/.latest_test_run.json',
    ids: 'trajectory configuration',
    digits: 'trajectory metrics metadata configuration',
  },
  {
    format: 'OpenHands',
    root: 'openhands/v1',
    file: 'output.jsonl',
    ids: 'trajectory metrics configuration',
    digits: 'trajectory configuration',
  },
]

it.each(FILES)(
  '$format keeps the digits of its numbers, and a second import stores nothing',
  async ({ format, root, file, ...kept }) => {
    const copy = folder.path(`${format}/${file === '' ? root : 'run'}`)
    await cp(fixture(root), copy, { recursive: true })
    const names = file === '' ? [''] : await readdir(copy, { recursive: true })
    for (const path of names.map((name) => join(copy, name)).filter((name) => /\.(jsonl?|traj)$/.test(name)))
      await writeFile(path, withExactNumbers(await readFile(path, 'utf8')))

    const tenant = arc.tenant()
    const { output } = await importInto(arc, tenant, [join(copy, file)])
    const [, stored] = /records {8}(\d+) stored/.exec(output)!
    expect(Number(stored)).toBeGreaterThan(0)
    const token = await tenant.token()
    // Text, which no parser has rounded.
    const text = async (query: string) => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
      const response = await fetch(arc.url, { method: 'POST', headers, body: JSON.stringify({ query }) })
      return response.text()
    }
    const places: [string, string][] = [
      ['trajectory', 'outcomes { nodes { trajectory } }'],
      ['metrics', 'outcomes { nodes { metrics } }'],
      ['metadata', 'metadata outcomes { nodes { scenario { metadata groundTruth } } }'],
      ['configuration', 'configVersion { rawYaml }'],
    ]
    const ids: string[] = []
    const digits: string[] = []
    for (const [place, fields] of places) {
      const answer = await text(`{ simulations { nodes { ${fields} } } }`)
      expect(answer).toMatch(/^\{"data"/)
      expect(answer).not.toContain('\\u0000')
      if (answer.includes(ID)) ids.push(place)
      if (answer.includes(TAIL)) digits.push(place)
    }
    expect({ ids: ids.join(' '), digits: digits.join(' ') }).toEqual(kept)

    const again = await importInto(arc, tenant, [join(copy, file)])
    expect(again.output).toContain(`records        0 stored, ${stored} there already`)
  },
)
