importScripts("/blob?n=0&type=text/javascript&imported");
fetch("/blob?n=2000&dedicated").then(a => a.text()).then(() => {
  const nested = new Worker("/nested.js");
  nested.onmessage = () => postMessage("ready");
});
