// A server that writes down what arrives and answers what it is told, and time that does not pass.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SendingClock } from '../../src/transport.js'

/** A request as it arrived. */
export interface Recorded {
  line: string
  headers: Record<string, string>
  body: string
}

/** An answer; without a status it is 200, without headers it is JSON. `hang`: none at all. `break`: half of one. */
export interface Answer {
  status?: number
  headers?: Record<string, string>
  body?: unknown
  fault?: 'hang' | 'break' | 'half'
}

export interface Upstream {
  url: string
  requests: Recorded[]
  /** The answers to come; the last one again and again. */
  answers: Answer[]
  close: () => Promise<void>
}

export async function upstream(): Promise<Upstream> {
  const state: Upstream = { url: '', requests: [], answers: [], close: async () => {} }
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)])
      state.requests.push({
        line: `${request.method} ${request.url}`,
        headers: Object.fromEntries(headers) as Record<string, string>,
        body,
      })
      const answer = (state.answers.length > 1 ? state.answers.shift() : state.answers[0]) ?? {}
      if (answer.fault === 'hang') return
      if (answer.fault === 'break') return void request.socket.destroy()
      const content = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {})
      response.writeHead(answer.status ?? 200, answer.headers ?? { 'content-type': 'application/json' })
      if (answer.fault === 'half') return void response.write(content.slice(0, 1))
      response.end(content)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  state.close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return state
}

/** Time that only counts the pauses. */
export function stillClock(): SendingClock & { pauses: number[] } {
  const pauses: number[] = []
  return {
    pauses,
    random: () => 0.5,
    now: () => 1_800_000_000_000,
    sleep: async (milliseconds) => void pauses.push(milliseconds),
  }
}
