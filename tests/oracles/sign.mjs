// Signs and verifies with the libraries of providers: a question a line in JSON, an answer a line.
// sign: {do, with, secret, id, time, body} → {headers, body, keys?}; verify: {do, with, secret, keys, headers, body} → {right, why?}
import { createServer } from "node:http";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { verifyWebhook } from "@clerk/backend/webhooks";
import { decodeWebhook } from "@kinde/webhooks";
import { WorkOS } from "@workos-inc/node";
import * as jose from "jose";
import standardwebhooks from "standardwebhooks";
import { Webhook } from "svix";

const workos = new WorkOS("a key that is never used");

const named = (prefix, { id, time }, signature) => ({
  [`${prefix}-id`]: id,
  [`${prefix}-timestamp`]: String(Math.floor(time / 1000)),
  [`${prefix}-signature`]: signature,
});

// A token that says what the body says, and the key set that its sender publishes.
async function token({ body, algorithm }) {
  const { publicKey, privateKey } = await jose.generateKeyPair(algorithm, { extractable: true });
  const key = { ...(await jose.exportJWK(publicKey)), kid: "key_1", alg: algorithm, use: "sig" };
  const signer = new jose.CompactSign(new TextEncoder().encode(body));
  signer.setProtectedHeader({ alg: algorithm, kid: "key_1" });
  return { headers: {}, body: await signer.sign(privateKey), keys: { keys: [key] } };
}

// Kinde's library only takes the address of a key set.
async function publishing(keys, use) {
  const server = createServer((_, answer) => answer.end(JSON.stringify(keys)));
  await once(server.listen(0, "127.0.0.1"), "listening");
  try {
    return await use(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const LIBRARIES = {
  svix: {
    sign: ({ secret, ...it }) => {
      const signature = new Webhook(secret).sign(it.id, new Date(it.time), it.body);
      return { headers: named("svix", it, signature), body: it.body };
    },
    verify: ({ secret, headers, body }) => new Webhook(secret).verify(body, headers),
  },
  standardwebhooks: {
    sign: ({ secret, ...it }) => {
      const webhook = new standardwebhooks.Webhook(secret);
      const signature = webhook.sign(it.id, new Date(it.time), it.body);
      return { headers: named("webhook", it, signature), body: it.body };
    },
    verify: ({ secret, headers, body }) => {
      // It knows only its own names.
      const own = Object.entries(headers).map(([name, value]) => [name.replace("svix", "webhook"), value]);
      new standardwebhooks.Webhook(secret).verify(body, Object.fromEntries(own));
    },
  },
  clerk: {
    verify: ({ secret: signingSecret, headers, body }) =>
      verifyWebhook(new Request("http://localhost", { method: "POST", headers, body }), { signingSecret }),
  },
  workos: {
    sign: async ({ secret, time, body }) => {
      const signature = await workos.webhooks.computeSignature(time, body, secret);
      return { headers: { "workos-signature": `t=${time}, v1=${signature}` }, body };
    },
    verify: ({ secret, headers, body }) =>
      workos.webhooks.verifyHeader({ payload: body, sigHeader: headers["workos-signature"], secret }),
  },
  jose: {
    sign: token,
    verify: ({ keys, body }) => jose.compactVerify(body, jose.createLocalJWKSet(keys)),
  },
  kinde: {
    sign: token,
    verify: async ({ keys, body }) => {
      const event = await publishing(keys, (domain) => decodeWebhook(body, domain));
      if (event === null) throw new Error("decodeWebhook answers null");
    },
  },
};

async function answer(question) {
  const library = LIBRARIES[question.with];
  if (question.do === "sign") return library.sign(question);
  try {
    await library.verify(question);
    return { right: true };
  } catch (error) {
    return { right: false, why: String(error.message) };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(line))));
}
