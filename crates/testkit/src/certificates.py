"""Makes certificates in the folder given: of each the certificate NAME.pem, its key NAME.key, and in NAME.txt the SHA-256
of the certificate in hexadecimal digits with colons, and of its public key in base64."""
import base64, datetime, hashlib, pathlib, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

folder = pathlib.Path(sys.argv[1])
now = datetime.datetime.now(datetime.timezone.utc)
DER, PEM = serialization.Encoding.DER, serialization.Encoding.PEM

def name(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

def make(file, issuer=None, subject="localhost", days=(-1, 6.9), key=None, ca=False):
    """A certificate of `issuer`, or one that is its own; that many days from now."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    signer = issuer[1] if issuer else key
    builder = x509.CertificateBuilder().subject_name(name(subject))
    builder = builder.issuer_name(issuer[0].subject if issuer else name(subject))
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    begin, end = (now + datetime.timedelta(days=day) for day in days)
    builder = builder.not_valid_before(begin).not_valid_after(end)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    if not ca or not issuer and subject == "localhost":
        names = x509.SubjectAlternativeName([x509.DNSName(subject)])
        builder = builder.add_extension(names, critical=False)
    certificate = builder.sign(signer, hashes.SHA256())
    write(file, certificate, key)
    return certificate, key

def write(file, certificate, key):
    (folder / f"{file}.pem").write_bytes(certificate.public_bytes(PEM))
    (folder / f"{file}.key").write_bytes(
        key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    public = key.public_key().public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    lines = [hashlib.sha256(certificate.public_bytes(DER)).digest().hex(":").upper(),
             base64.b64encode(hashlib.sha256(public).digest()).decode()]
    (folder / f"{file}.txt").write_text("\n".join(lines))

authority = make("ca", subject="Test authority", ca=True)
stranger = make("strangers-ca", subject="A stranger's authority", ca=True)
server = make("server", authority)
make("renewed", authority)
make("renewed-with-its-key", authority, key=server[1])
make("other-name", authority, subject="other.example")
make("expired", authority, days=(-9, -2))
make("future", authority, days=(2, 9))
make("strangers", stranger)
make("self-signed")
make("its-own-authority", ca=True)
