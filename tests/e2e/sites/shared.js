onconnect = event => {
  fetch("/blob?n=2500&shared").then(a => a.text()).then(() => event.ports[0].postMessage("ready"));
};
