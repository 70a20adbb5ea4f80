oninstall = event => event.waitUntil(
  caches.open("v1").then(cache => cache.add("/blob?n=600&stored")).then(() => skipWaiting()));
onactivate = event => event.waitUntil(clients.claim());
onfetch = event => event.respondWith(
  caches.match(event.request).then(stored => stored || fetch(event.request)));
