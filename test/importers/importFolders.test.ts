import { mkdir, symlink } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'
import { importInto, useFolder } from '../support/importing.ts'
import { zipOf } from '../support/zipArchive.ts'

const arc = useArc()
const folder = useFolder()

/** A tau-bench file of one record, whose task says which file it is. */
function records(task: string, reward = 1) {
  const info = { task: { instruction: task, actions: [], outputs: [] } }
  return [{ task_id: task, reward, info, traj: [{ role: 'user', content: task }], trial: 0 }]
}

async function tasksOf(tenant: Tenant): Promise<string[]> {
  const { scenarios } = await tenant.data('{ scenarios { nodes { externalId } } }')
  return scenarios.nodes.map(({ externalId }: any) => externalId.split('/').at(-1)).sort()
}

it('walks a folder, follows no link out of it, and ends in a cycle', async () => {
  const tenant = arc.tenant()
  await folder.write('walk/a.json', records('a'))
  await folder.write('walk/deep/er/b.json', records('b'))
  await folder.write('outside/c.json', records('c'))
  await folder.write('walk/.git/d.json', records('d'))
  await folder.write('walk/notes.txt', 'Nothing.')
  await mkdir(folder.path('walk/links'))
  await symlink(folder.path('outside'), folder.path('walk/links/out'))
  await symlink(folder.path('outside/c.json'), folder.path('walk/links/c.json'))
  await symlink(folder.path('walk'), folder.path('walk/links/up'))
  await symlink(folder.path('walk/a.json'), folder.path('walk/links/a.json'))
  await symlink(folder.path('walk/nowhere'), folder.path('walk/links/nowhere'))
  const { exitCode, output } = await importInto(arc, tenant, [folder.path('walk')])
  expect(exitCode).toBe(0)
  expect(await tasksOf(tenant)).toEqual(['a', 'b'])
  expect(output.match(/records {8}1 stored, 0 there already/g)).toHaveLength(2)
})

it('passes over what is no result beside results, and says what it is nearest to', async () => {
  const tenant = arc.tenant()
  await folder.write('mixed/run.json', records('a'))
  await folder.write('mixed/near.json', { info: {}, simulations: [] })
  await folder.write('mixed/settings.yaml', 'model: m-1\n')
  await folder.write('mixed/log.txt', '[12:00] not JSON')
  await folder.write('mixed/cut.json', '[{"task_id": 1,\n "reward"')
  const { exitCode, output } = await importInto(arc, tenant, [folder.path('mixed')])
  expect(exitCode).toBe(1)
  expect(await tasksOf(tenant)).toEqual(['a'])
  expect(output).toContain(
    `${folder.path('mixed/cut.json')}: It is not JSON: The text ends too early, within an object, in line 2, column 10.`,
  )
  expect(output).toContain(
    `${folder.path('mixed/near.json')}: It is JSON, but not of a format that Arc imports. It comes nearest to tau2-bench`,
  )
  expect(output).toContain('settings.yaml: name YAML files to import them as versions of a configuration')
  const { configurations } = await tenant.data('{ configurations { totalCount } }')
  expect(configurations.totalCount).toBe(1)
})

it('takes the YAML files of folders without results as configurations, each folder as one', async () => {
  const tenant = arc.tenant()
  for (const name of ['red', 'blue']) {
    for (const version of ['v2', 'v10']) {
      await folder.write(`configs/${name}/${version}.yaml`, `model: ${name}\nversion: ${version}\n`)
    }
  }
  await folder.write('configs/facts.json', {})
  const { exitCode } = await importInto(arc, tenant, [folder.path('configs')])
  expect(exitCode).toBe(0)
  const { configurations } = await tenant.data(
    '{ configurations { nodes { name versions { nodes { rawYaml } } } } }',
  )
  const yaml = (name: string) =>
    configurations.nodes
      .find((node: any) => node.name === name)
      .versions.nodes.map(({ rawYaml }: any) => rawYaml.split('version: ')[1].trim())
      .sort()
  expect([yaml('red'), yaml('blue')]).toEqual([
    ['v10', 'v2'],
    ['v10', 'v2'],
  ])
})

it('says of a folder without anything to import that there is nothing', async () => {
  await folder.write('nothing/readme.md', 'Nothing.')
  const { exitCode, output } = await importInto(arc, arc.tenant(), [folder.path('nothing')])
  expect(exitCode).toBe(1)
  expect(output).toBe(
    `${folder.path('nothing')}: There is no result file and no configuration in this folder.`,
  )
})

it('says of a folder in which nothing is of a format what it is nearest to, and fails', async () => {
  await folder.write('other/near.json', { info: {}, simulations: [] })
  const { exitCode, output } = await importInto(arc, arc.tenant(), [folder.path('other')])
  expect(exitCode).toBe(1)
  expect(output).toContain('It comes nearest to tau2-bench')
  expect(output).toContain(`${folder.path('other')}: Nothing in this folder is of a format that Arc imports.`)
})

it('closes with the totals over all files', async () => {
  const tenant = arc.tenant()
  await folder.write('table/a.json', [...records('a'), ...records('b', 0)])
  await folder.write('table/b.json', records('c', 0.25))
  await folder.write('table/broken.json', '{')
  for (const [stored, known] of [
    [3, 0],
    [0, 3],
  ]) {
    const { output } = await importInto(arc, tenant, [folder.path('table')])
    const [header, row, total, failed] = output
      .split('\n')
      .slice(-4)
      .map((line) => line.split(/ {2,}/))
    expect(header).toEqual([
      'all files',
      'files',
      'runs',
      'records',
      'stored',
      'there already',
      'rejected',
      'graded',
      'passed',
      'mean score',
      'tokens',
      'cost',
    ])
    const figures = [
      '2',
      '2',
      '3',
      String(stored),
      String(known),
      '0',
      '3',
      '1',
      '0.4167',
      'unknown',
      'unknown',
    ]
    expect(row).toEqual(['tau-bench', ...figures])
    expect(total).toEqual(['total', ...figures])
    expect(failed).toEqual(['failed: 1'])
  }
})

it('reads what is packed by gzip or written in UTF-16, by its name and in a folder', async () => {
  const text = (task: string) => `\ufeff${JSON.stringify(records(task))}`
  const lines = gzipSync(
    records('g')
      .map((record) => JSON.stringify(record))
      .join('\n'),
  )
  const files = [
    await folder.write('packed/a.json.gz', gzipSync(text('a'))),
    await folder.write('packed/b', gzipSync(text('b'))),
    await folder.write('packed/c.json', Buffer.from(text('c'), 'utf16le')),
    await folder.write('packed/d.json', Buffer.from(text('d'), 'utf16le').swap16()),
    await folder.write('packed/g.jsonl.gz', lines),
  ]
  for (const paths of [files, [folder.path('packed')]]) {
    const tenant = arc.tenant()
    expect((await importInto(arc, tenant, paths)).exitCode).toBe(0)
    expect(await tasksOf(tenant)).toEqual(['a', 'b', 'c', 'd', 'g'])
  }
})

it('reads from the name of a packed file what the name of the file says', async () => {
  const tenant = arc.tenant()
  const trajectory = { trajectory: [{ action: 'ls' }], info: { exit_status: 'submitted' }, history: [{}] }
  const path = await folder.write('named/kites__kite-1.traj.gz', gzipSync(JSON.stringify(trajectory)))
  await importInto(arc, tenant, [path])
  expect(await tasksOf(tenant)).toEqual(['kites__kite-1'])
})

it('says of a file that is called JSON and is none why it cannot be read, in a folder, too', async () => {
  const packed = gzipSync(JSON.stringify(records('a')))
  const files = [
    await folder.write('broken/a.json', ''),
    await folder.write('broken/b.jsonl', 'is cut off"}\n{"task_id": 1}\n'),
    await folder.write('broken/c.json.gz', packed.subarray(0, packed.length - 12)),
    await folder.write('broken/d.json.gz', Buffer.from(packed).fill(1, 12, 20)),
  ]
  await folder.write('broken/e.json', records('e'))
  for (const paths of [[...files, folder.path('broken/e.json')], [folder.path('broken')]]) {
    const tenant = arc.tenant()
    const { exitCode, output } = await importInto(arc, tenant, paths)
    expect(exitCode).toBe(1)
    expect(output).toContain('a.json: It is not JSON: the file is empty.')
    expect(output).toContain('b.jsonl: It is not JSON: Expected a value, in line 1, column 1.')
    expect(output).toContain('c.json.gz: It is packed by gzip and not complete.')
    expect(output).toContain('d.json.gz: It is packed by gzip and damaged.')
    expect(output).toContain('failed: 4')
    expect(await tasksOf(tenant)).toEqual(['e'])
  }
})

it('takes an empty file that is called JSON for no result among configurations', async () => {
  const tenant = arc.tenant()
  await folder.write('agents/v1.yaml', 'model: m-1\n')
  await folder.write('agents/notes.json', '')
  const { exitCode, output } = await importInto(arc, tenant, [folder.path('agents')])
  expect(exitCode).toBe(1)
  expect(output).toContain('notes.json: It is not JSON: the file is empty.')
  const { configurations } = await tenant.data('{ configurations { nodes { name } } }')
  expect(configurations.nodes).toEqual([{ name: 'agents' }])
})

it('says of an archive that is packed once more what to do', async () => {
  const tenant = arc.tenant()
  const path = await folder.write(
    'twice/log.eval.gz',
    gzipSync(zipOf([{ name: 'header.json', content: '{}' }])),
  )
  const { exitCode, output } = await importInto(arc, tenant, [path])
  expect(exitCode).toBe(1)
  expect(output).toContain('It is a zip that is packed by gzip: unpack it.')
})
