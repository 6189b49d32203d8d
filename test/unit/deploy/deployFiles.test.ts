import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../../src/config.ts'
import { routesOf } from '../../../src/http/routes.ts'

const text = (file: string) => readFileSync(join('deploy', file), 'utf8')
const compose = parse(text('compose.yaml'), { merge: true })
const { services } = compose

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((file) => statSync(file).isFile())
}

const read = (files: readonly string[]) => files.map((file) => readFileSync(file, 'utf8')).join('\n')
const words = (of: string, pattern: RegExp) => [...new Set(of.match(pattern) ?? [])].sort()

/** As compose puts them in: a value for what has none. */
function environmentOf(service: string): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(services[service].environment as Record<string, unknown>).map(([name, value]) => [
      name,
      String(value).replace(
        /\$\{(\w+)(?::-([^}]*)|[^}]*)\}/g,
        (_, __, fallback) => fallback ?? 'x'.repeat(40),
      ),
    ]),
  )
}

const arc = readConfig({ ...environmentOf('arc'), NODE_ENV: 'production' })

describe('the files in deploy/', () => {
  it('set only what Arc reads', () => {
    const known = words(
      read(filesBelow('src').filter((file) => file.endsWith('.ts'))),
      /\b(ARC|DATABASE)_[A-Z_]+\b/g,
    )
    const used = words(read([...filesBelow('deploy'), 'docs/operations.md']), /\b(ARC|DATABASE)_[A-Z_]+\b/g)
    expect(used).not.toEqual([])
    expect(used.filter((name) => !known.includes(name))).toEqual([])
  })

  it('ask for nothing that env.example has not got', () => {
    const asked = words(text('compose.yaml'), /(?<=\$\{)[A-Z_]+(?=[:}])/g)
    const optional = words(text('compose.yaml'), /(?<=\$\{)[A-Z_]+(?=:-)/g)
    const given = words(text('env.example'), /^[A-Z_]+(?==)/gm)
    expect(asked.filter((name) => !given.includes(name) && !optional.includes(name))).toEqual([])
    expect(given.filter((name) => !asked.includes(name))).toEqual([])
  })

  it('agree on the ports', () => {
    const { port, observe, databaseUrl, databaseDirectUrl } = arc
    expect(/^EXPOSE (.*)$/m.exec(text('Dockerfile'))![1]).toBe(`${port} ${observe.metricsPort}`)
    expect(text('Dockerfile')).toContain(`PORT=${port}`)
    expect(services.arc.ports).toEqual([`127.0.0.1:${port}:${port}`])
    expect(text('haproxy.cfg')).toContain(`server arc1 127.0.0.1:${port}`)
    const jobs = parse(text('prometheus/prometheus.yml')).scrape_configs
    expect(jobs[0].static_configs[0].targets).toEqual([`arc:${observe.metricsPort}`])
    const bouncer = new URL(databaseUrl!)
    expect([bouncer.hostname, text('pgbouncer/pgbouncer.ini')]).toEqual([
      'pgbouncer',
      expect.stringContaining(`listen_port = ${bouncer.port}\n`),
    ])
    // LISTEN goes past it.
    expect(new URL(databaseDirectUrl!).hostname).toBe('database')
  })

  it('mount what is there, and name only services that are', () => {
    for (const [name, { volumes = [], depends_on = {} }] of Object.entries<any>(services)) {
      for (const mount of volumes as string[]) {
        const [source] = mount.split(':') as [string]
        if (source.startsWith('./'))
          expect(existsSync(join('deploy', source)), `${name}: ${source}`).toBe(true)
        else if (!source.startsWith('/')) expect(Object.keys(compose.volumes), name).toContain(source)
      }
      for (const other of Object.keys(depends_on)) expect(Object.keys(services), name).toContain(other)
    }
    const [provider] = parse(text('grafana/provisioning/dashboards/arc.yaml')).providers
    expect(services.grafana.volumes).toContain(`./grafana/dashboards:${provider.options.path}:ro`)
  })

  it('fix the version of each image', () => {
    const images = Object.values<any>(services).map(({ image }) => image as string)
    for (const image of images) expect(image).toMatch(/^(arc|arc-pgbouncer|\S+:[\w.-]*\d[\w.-]*)$/)
  })

  it('ask Arc for its health at paths that it has', () => {
    const paths = routesOf(() => Promise.resolve(), { whyNotReady: async () => undefined })
      .filter(({ admitted }) => !admitted)
      .map(({ path }) => path)
    const asked = [/127\.0\.0\.1:\$\{process\.env\.PORT\}(\/\w+)/, /option httpchk GET (\/\w+)/].map(
      (pattern, index) => pattern.exec(text(['Dockerfile', 'haproxy.cfg'][index]!))?.[1],
    )
    expect(asked).toEqual(['/health', '/ready'])
    for (const path of asked) expect(paths).toContain(path)
  })

  it('put into the image what the package has, from what .dockerignore lets in', () => {
    const lines = text('Dockerfile').split('\n')
    const copied = lines
      .filter((line) => /^COPY (?!--from)/.test(line))
      .flatMap((line) => line.split(' ').slice(1, -1))
    const let_in = words(readFileSync('.dockerignore', 'utf8'), /(?<=^!).+$/gm)
    expect([...new Set(copied)].sort()).toEqual(let_in)
    for (const file of copied) expect(existsSync(file), file).toBe(true)
    const image = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM '))).join('\n')
    const { files } = JSON.parse(readFileSync('package.json', 'utf8')) as { files: string[] }
    for (const file of files.filter((name) => name !== 'CHANGELOG.md')) expect(image).toContain(file)
  })

  it('show in Grafana what Prometheus has', () => {
    const { uid } = parse(text('grafana/provisioning/datasources/prometheus.yaml')).datasources[0]
    const { panels } = JSON.parse(text('grafana/dashboards/arc.json')) as { panels: any[] }
    const shown = panels.filter(({ type }) => type !== 'row')
    expect(shown.length).toBeGreaterThan(20)
    for (const { title, datasource, targets } of shown) {
      expect([title, datasource.uid]).toEqual([title, uid])
      for (const { expr } of targets) expect(expr, title).toMatch(/\w/)
    }
  })
})

const hasPromtool = spawnSync('promtool', ['--version']).status === 0
if (!hasPromtool)
  console.log('Alert rules are not tested: there is no promtool on the path (Debian: prometheus).')

describe.skipIf(!hasPromtool)('alert rules', () => {
  const promtool = (...args: string[]) =>
    spawnSync('promtool', args, { cwd: 'deploy/prometheus', encoding: 'utf8' })

  it('are valid, and alert to what their tests say', () => {
    for (const args of [
      ['check', 'config', 'prometheus.yml'],
      ['test', 'rules', 'alerts.test.yml'],
    ]) {
      const { status, stdout, stderr } = promtool(...args)
      expect([status, stderr, stdout.includes('FAILED')]).toEqual([0, expect.anything(), false])
    }
  })

  it('are each tested, with an alert, and described in docs/operations.md', () => {
    const rules = parse(text('prometheus/alerts.yml')).groups.flatMap((group: any) => group.rules)
    const tested = parse(text('prometheus/alerts.test.yml'))
      .tests.flatMap((test: any) => test.alert_rule_test)
      .filter((test: any) => test.exp_alerts.length > 0)
      .map(({ alertname }: any) => alertname)
    const names = rules.map(({ alert }: any) => alert)
    expect([...new Set(tested)].sort()).toEqual([...names].sort())
    const operations = readFileSync('docs/operations.md', 'utf8')
    for (const name of names) expect(operations).toContain(`\`${name}\``)
  })
})
